#!/usr/bin/env python3
"""What a protected guest survives: one fault after another on a real pair under a client's stream of transactions.

usage: matrix.py [--folder DIR] [--build DIR] [--kills N] [--seed N] [--arbiter witness|file|etcd] CASE...
       cases by name; `all`, `list`; --shared: all that share one boot

All cases but those of DISCONNECT share one boot and one TCP connection, which must outlive them. At the end the history
of acknowledged transactions is compared with the table. Exit code 0: all as it must be; 1: not; 77: impossible here.
"""

import argparse
import pathlib
import random
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
sys.path.insert(0, str(ROOT / 'tools/lab'))
import demo  # noqa: E402
import lab as network  # noqa: E402
import pair as pairs  # noqa: E402

LEADING = ('alone', 'inviting', 'paired', 'handing')


class Matrix:
    def __init__(self, pair, client, kills, seed):
        self.pair, self.client, self.kills = pair, client, kills
        self.lab = pair.lab
        self.random = random.Random(seed)
        self.leader = self.follower = None

    # -- steps ----------------------------------------------------------------------------------------------------

    def settle(self):
        """Both alive, in lockstep, and the stream flows."""
        for host in 'ab':
            if not self.pair.alive(host):
                self.pair.start(host)
        self.leader = self.pair.wait_paired(60)
        self.follower = pairs.OTHER[self.leader]
        self.client.wait_for(30)

    def expect_leader(self, host, seconds=20):
        self.pair.wait(f'{host} to lead', lambda: self.pair.role(host) in LEADING, seconds)

    def expect_event(self, host, event, since, seconds=20):
        self.pair.wait(f'{event} at {host}', lambda: any(e['event'] == event for e in self.pair.events(host)[since:]), seconds)

    def pause(self, host, seconds):
        self.pair.kill(host, how=signal.SIGSTOP)
        time.sleep(seconds)
        self.pair.kill(host, how=signal.SIGCONT)

    def command(self, host, name):
        subprocess.run([self.pair.lockstitch, name, str(self.pair.folder / host / 'state')], check=True, timeout=30,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def quiet(self, seconds):
        """Nothing is acknowledged for so long, once what was on its way has come."""
        time.sleep(0.3)
        before = len(self.client.acknowledged())
        time.sleep(seconds)
        after = len(self.client.acknowledged())
        if after != before:
            raise AssertionError(f'{after - before} transactions were acknowledged although nobody may lead')

    # -- cases ----------------------------------------------------------------------------------------------------

    def kill_leader(self):
        self.pair.kill(self.leader)
        self.expect_leader(self.follower)

    def kill_follower(self):
        self.pair.kill(self.follower)
        self.client.wait_for(30)

    def stop_leader(self):
        self.pair.kill(self.leader, how=signal.SIGSTOP)
        self.expect_leader(self.follower)
        self.client.wait_for(30)
        self.pair.kill(self.leader, how=signal.SIGCONT)

    def stop_leader_briefly(self):
        self.pause(self.leader, 0.2)
        self.client.wait_for(30)
        if self.pair.role(self.leader) != 'paired':
            raise AssertionError('a pause of 200 ms changed the leader')

    def stop_follower(self):
        self.pause(self.follower, 3)

    def slow_follower(self):
        """It gets a fifth of the time it needs, in pieces too short to be called dead: the leader must not run away
        from it, nor may the client be cut off."""
        end = time.monotonic() + 8
        while time.monotonic() < end and self.pair.alive(self.follower):
            self.pair.kill(self.follower, how=signal.SIGSTOP)
            time.sleep(0.2)
            self.pair.kill(self.follower, how=signal.SIGCONT)
            time.sleep(0.05)
        self.client.wait_for(30)

    def stop_both(self):
        for host in 'ab':
            self.pair.kill(host, how=signal.SIGSTOP)
        time.sleep(2)
        for host in 'ab':
            self.pair.kill(host, how=signal.SIGCONT)

    def cut_link(self):
        self.lab.cut_link('both')
        self.client.wait_for(30)
        self.lab.mend_link()

    def cut_link_ab(self):
        self.lab.cut_link('ab')
        self.client.wait_for(30)
        self.lab.mend_link()

    def cut_link_ba(self):
        self.lab.cut_link('ba')
        self.client.wait_for(30)
        self.lab.mend_link()

    def cut_link_briefly(self):
        self.lab.cut_link('both')
        time.sleep(0.15)
        self.lab.mend_link()
        self.client.wait_for(30)

    def loss_1(self):
        self.lab.lose_link(1, seed=self.random.randrange(1000))
        self.client.wait_for(200)
        self.lab.reset_link()

    def loss_10(self):
        self.lab.lose_link(10, seed=self.random.randrange(1000))
        self.client.wait_for(60, seconds=120)
        self.lab.reset_link()

    def delay_20(self):
        self.lab.delay_link(20)
        self.client.wait_for(60)
        self.lab.reset_link()

    def jitter(self):
        self.lab.delay_link(10, jitter_ms=10)
        self.client.wait_for(60)
        self.lab.reset_link()

    def kill_leader_with_delay(self):
        self.lab.delay_link(20)
        self.client.wait_for(30)
        self.kill_leader()
        self.client.wait_for(30)
        self.lab.reset_link()

    def cut_client(self):
        self.lab.cut_client()
        time.sleep(2)
        self.lab.mend_client()

    def cut_client_and_kill(self):
        self.lab.cut_client()
        self.kill_leader()
        self.lab.mend_client()

    def arbiter_down_before(self):
        """Nobody may go on alone without it: the guest stands still and nothing is acknowledged."""
        self.pair.kill('witness')
        self.client.wait_for(30)
        self.pair.kill(self.leader)
        self.pair.wait(f'{self.follower} to ask', lambda: self.pair.role(self.follower) == 'claiming', 10)
        self.quiet(2)
        self.pair.start_witness()
        self.expect_leader(self.follower)

    def arbiter_down_during(self):
        self.pair.kill(self.leader)
        self.pair.kill('witness')
        time.sleep(1)
        self.pair.start_witness()
        self.expect_leader(self.follower)

    def arbiter_down_after(self):
        self.kill_leader()
        self.pair.kill('witness')
        self.client.wait_for(30)
        self.pair.start(self.leader)
        self.pair.wait_paired()
        self.pair.start_witness()

    def arbiter_and_link_cut(self):
        """Neither reaches anybody: neither acknowledges. When the arbiter is back, one goes on."""
        for host in 'ab':
            self.lab.cut_arbiter(host)
        self.lab.cut_link('both')
        self.quiet(3)
        for host in 'ab':
            self.lab.mend_arbiter(host)
        self.client.wait_for(30)
        self.lab.mend_link()

    def link_back_before_arbiter(self):
        """The follower gives up its right, and the leader goes on without the arbiter's word."""
        for host in 'ab':
            self.lab.cut_arbiter(host)
        self.lab.cut_link('both')
        self.quiet(3)
        self.lab.mend_link()
        self.client.wait_for(30)
        for host in 'ab':
            self.lab.mend_arbiter(host)

    def leader_cut_off(self):
        """The leader reaches neither peer nor arbiter: the follower takes over, the old leader must not emit."""
        self.lab.cut_arbiter(self.leader)
        self.lab.cut_link('both')
        self.expect_leader(self.follower)
        self.client.wait_for(30)
        self.lab.mend_arbiter(self.leader)
        self.lab.mend_link()

    def failing_disk_of_follower(self):
        self._fail_disk(self.follower)
        self.client.wait_for(30)

    def failing_disk_of_leader(self):
        self._fail_disk(self.leader)
        self.expect_leader(self.follower)

    def _fail_disk(self, host):
        """Every write behind 10 MB of a file fails (EFBIG), as with a full or broken disk."""
        process = self.pair.processes[host]
        subprocess.run(['prlimit', '--pid', str(process.pid), '--fsize=10000000'], check=True)
        self.pair.wait(f'{host} to step down and end', lambda: process.poll() is not None, 30)
        if process.returncode != 74:
            raise AssertionError(f'{host} ended with {process.returncode}, not 74')
        del self.pair.processes[host]

    def kill_during_join(self):
        for stage in range(10):
            if self.pair.alive(self.follower):
                self.pair.kill(self.follower)
            self.pair.start(self.follower)
            time.sleep(0.05 + 0.1 * stage)
        self.client.wait_for(30)

    def hold_follower(self):
        """gdb looks at a follower; its leader goes on and the other joins again when gdb has gone."""
        place = self.pair.folder / 'gdb'
        self.pair.kill(self.follower, how=signal.SIGTERM)
        self.pair.processes[self.follower].wait(timeout=20)
        self.pair.start(self.follower, extra=('--gdb', f'unix:{place}'))
        self.pair.wait_paired()
        script = ['target remote ' + str(place), 'monitor when', 'monitor linux-base', 'info registers rip', 'x/2i $pc', 'stepi',
                  'python import time; time.sleep(4)', 'detach']
        since = len(self.pair.events(self.leader))
        with open(self.pair.folder / 'gdb.log', 'w+') as said:
            gdb = self.lab.run(self.follower, ['gdb', '-nx', '-batch', *[word for one in script for word in ('-ex', one)]],
                               stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            self.expect_event(self.leader, 'alone', since)
            self.client.wait_for(30)
            gdb.wait(timeout=60)
            said.seek(0)
            text = said.read()
        for words in ('tick ', 'Linux version', 'only looked at'):
            if words not in text:
                raise AssertionError(f'gdb said: {text}')

    def failover(self):
        self.command(self.leader, 'failover')
        self.expect_leader(self.follower)

    def test_failover(self):
        self.command(self.leader, 'test-failover')
        self.expect_leader(self.follower)

    def end_leader_politely(self):
        """SIGTERM is a hand-over, so that a host can be shut down."""
        self.pair.kill(self.leader, how=signal.SIGTERM)
        self.expect_leader(self.follower)
        self.pair.processes[self.leader].wait(timeout=20)

    def end_follower_politely(self):
        self.pair.kill(self.follower, how=signal.SIGTERM)
        self.pair.processes[self.follower].wait(timeout=20)
        self.client.wait_for(30)

    def many_kills(self):
        for _ in range(self.kills):
            self.settle()
            time.sleep(self.random.random() * 0.5)
            victim = self.leader if self.random.random() < 0.8 else self.follower
            self.pair.kill(victim)
            self.client.wait_for(5)
            time.sleep(self.random.random() * 0.3)

    # -- together -------------------------------------------------------------------------------------------------

    def run(self, name):
        self.settle()
        since = time.monotonic_ns()
        getattr(self, name)()
        self.settle()
        acks = self.client.acknowledged()
        times = [acked for _, acked in acks if acked > since - 1e9]
        gap = max((b - a for a, b in zip(times, times[1:])), default=0) / 1e6
        print(f'{name:28} ok   {len([t for t in times if t > since]):6} transactions, longest gap {gap:7.0f} ms', flush=True)


def two_leaders(pair):
    """Terms in which both replicas led, by their own events."""
    led = {host: {e['term'] for e in pair.events(host) if e['event'] in LEADING} for host in 'ab'}
    return led['a'] & led['b']


def double_kill(laboratory, folder, build):
    """Both die. The one that led starts the guest again from its disk, and nothing acknowledged is missing."""
    pair = pairs.Pair(laboratory, folder, build=build)
    pair.start_witness()
    pair.start('a')
    pair.wait_guest()
    pair.start('b')
    leader = pair.wait_paired()
    client = demo.Client(laboratory, pair)
    client.wait_for(200)
    # At once: a follower that has been granted the term and dies before it could write that down is the operator's case.
    pair.kill(leader, pairs.OTHER[leader])
    for host in 'ab':
        pair.console(host).unlink(missing_ok=True)
    pair.start(pairs.OTHER[leader])
    time.sleep(3)
    if pair.role(pairs.OTHER[leader]) in LEADING:
        raise AssertionError('the follower started the guest from its disk, which may lack what was acknowledged')
    pair.start(leader)
    pair.wait_guest()
    pair.wait_paired()
    client.process.terminate()
    client.process.wait(timeout=60)
    # The guest says that it is ready by a file that has survived; PostgreSQL starts and recovers first.
    deadline = time.monotonic() + 30
    while True:
        check = laboratory.run('client', [pair.ledger, 'check', '--host', network.GUEST_ADDRESS, '--history',
                                          client.history], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = check.communicate(timeout=60)[0].decode().strip()
        if 'No connection' not in out or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    if check.returncode != 0 or two_leaders(pair):
        raise AssertionError(f'after a restart from disk: {out}')
    print(f'{"double_kill":28} ok   {out}', flush=True)
    stop(pair)


def stop(pair):
    for key in list(pair.processes):
        if pair.alive(key):
            pair.kill(key)


DISCONNECT = {'double_kill': double_kill}
SHARED = [name for name, method in vars(Matrix).items()
          if callable(method) and not name.startswith('_')
          and name not in ('settle', 'expect_leader', 'expect_event', 'pause', 'command', 'quiet', 'run')]


def run_shared(laboratory, names, wanted):
    pair = pairs.Pair(laboratory, wanted.folder, build=wanted.build, arbiter=wanted.arbiter, firmware=wanted.firmware)
    pair.start_witness()
    pair.start('a')
    pair.wait_guest()
    pair.start('b')
    pair.wait_paired()
    client = demo.Client(laboratory, pair)
    matrix = Matrix(pair, client, wanted.kills, wanted.seed)
    for name in names:
        try:
            matrix.run(name)
        except Exception as problem:
            print(f'{name:28} FAILED\n{problem}\n{pair.story()[-6000:]}', flush=True)
            return False
    pair.wait_paired()
    result = client.finish()
    wrong = [key for key in ('lost', 'duplicated', 'connections_broken') if result[key] != 0]
    doubles = two_leaders(pair)
    print(f"acknowledged {result['acknowledged']}, lost {result['lost']}, duplicated {result['duplicated']}, TCP connections "
          f"broken {result['connections_broken']}, longest gap {result['longest_gap_ms']:.0f} ms, terms with two leaders "
          f'{len(doubles)}', flush=True)
    equal = power_off(pair)
    print(f"disks of both replicas after the guest switched itself off: {'equal' if equal else 'DIFFERENT'}", flush=True)
    good = not wrong and not doubles and equal
    if not good:
        print(pair.story()[-6000:])
    return good


def power_off(pair):
    """The guest switches itself off, both replicas end with 0, and their images are the same to the last byte."""
    pair.lab.check('client', ['psql', '-h', network.GUEST_ADDRESS, '-U', 'postgres', '-X', '-q', '-c',
                              "COPY (SELECT 1) TO '/run/lockstitch/poweroff'"], timeout=30)
    for host in 'ab':
        if pair.processes[host].wait(timeout=60) != 0:
            return False
    return subprocess.run(['cmp', '-s', str(pair.disk('a')), str(pair.disk('b'))]).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--folder', default=str(ROOT / 'build/pair-matrix'))
    parser.add_argument('--kills', type=int, default=100)
    parser.add_argument('--seed', type=int, default=random.randrange(1 << 30))
    parser.add_argument('--arbiter', choices=('witness', 'file', 'etcd'), default='witness')
    parser.add_argument('--firmware', choices=('bios', 'uefi'), help='a guest that firmware boots, on IDE and with an e1000')
    parser.add_argument('--build', default=str(ROOT / 'build/release'))
    parser.add_argument('--shared', action='store_true', help='all cases that share one boot')
    parser.add_argument('cases', nargs='*')
    wanted = parser.parse_args()
    if wanted.cases == ['list']:
        print('\n'.join([*SHARED, *DISCONNECT]))
        return 0
    names = [*SHARED, *DISCONNECT] if wanted.cases == ['all'] else SHARED if wanted.shared else wanted.cases
    unknown = [name for name in names if name not in SHARED and name not in DISCONNECT]
    if unknown:
        print(f'matrix: there is no case {", ".join(unknown)}; `list` names them', file=sys.stderr)
        return 64
    problem = network.enter_or_explain()
    if problem is not None:
        print(problem)
        return 77
    print(f'seed {wanted.seed}', flush=True)
    good = True
    with network.Lab() as laboratory:
        for name in [name for name in names if name in DISCONNECT]:
            try:
                DISCONNECT[name](laboratory, wanted.folder, wanted.build)
            except Exception as problem:
                print(f'{name:28} FAILED\n{problem}', flush=True)
                good = False
    shared = [name for name in names if name in SHARED]
    if shared:
        with network.Lab() as laboratory:
            good = run_shared(laboratory, shared, wanted) and good
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
