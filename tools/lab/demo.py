#!/usr/bin/env python3
"""The main job, shown: two hosts, a client's stream of SQL transactions over one TCP connection, and kill -9 of whoever
leads, twice. Prints what the client saw. usage: demo.py [FOLDER]; exit code 77: impossible here, with the reason."""

import json
import pathlib
import subprocess
import sys
import time

import lab as network
import pair as pairs


def say(text):
    print(text, flush=True)


class Client:
    """The stream of transactions: `ledger run` on the client's host."""

    def __init__(self, laboratory, pair, rate=0):
        self.lab, self.pair = laboratory, pair
        self.history = pair.folder / 'history.txt'
        self.history.unlink(missing_ok=True)  # what an earlier client was told is not this one's
        # The answer is read whatever becomes of this program.
        self.out = open(pair.folder / 'ledger.json', 'w+b')
        argv = [pair.ledger, 'run', '--host', network.GUEST_ADDRESS, '--history', self.history]
        self.process = laboratory.run('client', argv + (['--rate', rate] if rate else []), stdin=subprocess.DEVNULL,
                                      stdout=self.out, stderr=self.out)

    def acknowledged(self):
        """(sent_ns, acked_ns) of every acknowledged transaction, in order."""
        if not self.history.exists():
            return []
        lines = [line.split() for line in self.history.read_text().splitlines() if line.count(' ') == 2]
        return [(int(sent), int(acked)) for _, sent, acked in lines]

    def wait_for(self, more, seconds=60):
        goal = len(self.acknowledged()) + more
        self.pair.wait(f'{more} more acknowledged transactions', lambda: len(self.acknowledged()) >= goal, seconds)

    def finish(self):
        """What `ledger run` and `ledger check` say, as one dictionary."""
        self.process.terminate()
        self.process.wait(timeout=60)
        self.out.seek(0)
        text = self.out.read().decode()
        run = json.loads(text.splitlines()[-1])
        check = self.lab.run('client', [self.pair.ledger, 'check', '--host', network.GUEST_ADDRESS, '--history',
                                        self.history], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = check.communicate(timeout=60)
        if not out.strip():
            raise RuntimeError(f'ledger check: {err.decode().strip()}')
        return {**run, **json.loads(out.splitlines()[-1])}


def gap_around(acks, moment_ns):
    """Unit: ms. The longest time between two acknowledgements within 10 s after the moment."""
    times = [acked for _, acked in acks if moment_ns - 1e9 < acked < moment_ns + 10e9]
    return max((b - a for a, b in zip(times, times[1:])), default=0) / 1e6


def compared_digests(pair, least):
    """Of the present follower: how often it was proved to be what its leader was. Waits for some."""
    follower = pairs.OTHER[pair.wait_paired()]
    return pair.wait('digests', lambda: (count := pair.status(follower)['digests_compared']) >= least and count)


def kill_leader(pair, client):
    """Kills it, starts it again, and waits until the two are a pair again. Returns what was measured."""
    leader = pair.wait_paired()
    survivor = pairs.OTHER[leader]
    before = len(client.acknowledged())
    killed = time.monotonic_ns()
    pair.kill(leader)
    pair.wait(f'{survivor} to lead', lambda: pair.role(survivor) in ('alone', 'inviting', 'paired'))
    took_over = time.monotonic_ns()
    client.wait_for(50)
    restarted = time.monotonic_ns()
    pair.start(leader)
    pair.wait_paired()
    redundant = time.monotonic_ns()
    client.wait_for(50)
    acks = client.acknowledged()
    return {'killed': leader, 'acknowledged_before': before, 'acknowledged_after': len(acks) - before,
            'took_over_ms': (took_over - killed) / 1e6, 'gap_ms': gap_around(acks, killed),
            'redundant_after_s': (redundant - restarted) / 1e9}


def main():
    problem = network.enter_or_explain()
    if problem is not None:
        print(problem)
        return 77
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pairs.ROOT / 'build/demo/pair')
    with network.Lab() as laboratory:
        pair = pairs.Pair(laboratory, folder)
        say('hosts a and b, a witness and a client, each in a network namespace of its own')
        pair.start_witness()
        pair.start('a')
        say('a: lockstitch protect; Debian boots ...')
        pair.wait_guest()
        pair.start('b', 'standby')
        say('b: lockstitch standby; joins ...')
        pair.wait_paired()
        status = pair.status('a')
        say(f"a and b run in lockstep, term {status['term']}; the guest stood still for "
            f"{status['join_blackout_ms']:.0f} ms to be copied")
        client = Client(laboratory, pair)
        client.wait_for(200)
        digests = 0
        for _ in range(2):
            digests += compared_digests(pair, 5)
            result = kill_leader(pair, client)
            say(f"kill -9 {result['killed']} after {result['acknowledged_before']} acknowledged transactions: "
                f"{pairs.OTHER[result['killed']]} leads after {result['took_over_ms']:.0f} ms, the client waited "
                f"{result['gap_ms']:.0f} ms at most; {result['killed']} came back and was in lockstep again after "
                f"{result['redundant_after_s']:.1f} s")
        total = client.finish()
        say('')
        say(f"acknowledged transactions   {total['acknowledged']}")
        say(f"lost                        {total['lost']}")
        say(f"duplicated                  {total['duplicated']}")
        say(f"TCP connections broken      {total['connections_broken']}")
        say(f"longest gap                 {total['longest_gap_ms']:.0f} ms")
        say(f"digests equal on both       {digests + compared_digests(pair, 5)}")
        good = total['lost'] == total['duplicated'] == total['connections_broken'] == 0
        return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
