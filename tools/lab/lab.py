#!/usr/bin/env python3
"""The network laboratory: four hosts as network namespaces on one machine, with faults on demand.

    client 10.0.2.2/24 --.                        .-- a: br0 -- TAP guest0 (a machine on it is 10.0.2.15)
                         +-- bridge `lan` --------+
                         |   (host `switch`)      '-- b: br0 -- TAP guest0
    synchronisation link:     a TAP sync0 192.168.77.1/24 ==wire== b TAP sync0 192.168.77.2/24
    arbiter network:          bridge `quorum`: a 192.168.78.1, b 192.168.78.2, witness 192.168.78.3, all /24

Needs root, or a kernel that lets users have namespaces; the machine's own network stays untouched. A namespace lives as
long as a process in it, so nothing survives the laboratory, however it ends.

    problem = lab.enter_or_explain()          # first thing in the program: it may start again inside `unshare -Urn`
    with lab.Lab() as laboratory:
        server = laboratory.run('a', ['program', 'argument'])
        laboratory.cut_link()

`lab.py --self-test` builds it, tries every path and every fault, and prints what works; exit code 77: impossible here.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

GUEST_ADDRESS = '10.0.2.15'
CLIENT_ADDRESS = '10.0.2.2'
LINK_ADDRESS = {'a': '192.168.77.1', 'b': '192.168.77.2'}
ARBITER_ADDRESS = {'a': '192.168.78.1', 'b': '192.168.78.2', 'witness': '192.168.78.3'}

ENTERED = 'LOCKSTITCH_LAB_ENTERED'  # in the environment of a program that was started again
CLONE_NEWNET = 0x40000000
BRIDGE = 'type bridge stp_state 0 forward_delay 0 mcast_snooping 0'
TRIALS = (  # each in a fresh network namespace; what to say if it fails
    ('true', 'network namespaces cannot be made here'),
    ('ip link add name x type veth peer name y', 'the kernel has no veth (or forbids it)'),
    (f'ip link add name x {BRIDGE}', 'the kernel has no bridge (or forbids it)'),
    ('ip tuntap add dev x mode tap', 'TAP interfaces cannot be made here'),
)


def enter_or_explain():
    """Returns None where a laboratory can be built, else a sentence that says what is missing.

    Without the rights for it the program is started again inside `unshare -Urn`, so call this before anything that
    should not happen twice.
    """
    # Debian leaves these out of a user's PATH.
    os.environ['PATH'] = os.environ.get('PATH', os.defpath) + ':/usr/sbin:/sbin'
    missing = [tool for tool in ('ip', 'nsenter', 'setpriv', 'unshare') if shutil.which(tool) is None]
    if missing:
        return f'{", ".join(missing)} cannot be found: the Debian packages iproute2 and util-linux are needed.'
    try:
        os.close(os.open('/dev/net/tun', os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        return '/dev/net/tun is missing: the kernel has no TUN driver, or this container does not show it.'
    except OSError as problem:
        return f'/dev/net/tun cannot be opened ({problem.strerror}).'
    problem = _trial_problem()
    if problem is None or os.environ.get(ENTERED):
        return problem
    if subprocess.run(['unshare', '-Urn', 'true'], capture_output=True).returncode != 0:
        return f'{problem} And users may not have namespaces of their own here (unshare -Urn fails).'
    os.environ[ENTERED] = '1'
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvp('unshare', ['unshare', '-Urn', sys.executable, *sys.orig_argv[1:]])


def _trial_problem():
    for command, sentence in TRIALS:
        trial = subprocess.run(['unshare', '-n', *command.split()], capture_output=True, text=True)
        if trial.returncode != 0:
            return f'{sentence}: {trial.stderr.strip()}.'
    return None


def find_wire():
    """The built program `wire`: the newest of all build folders, unless LOCKSTITCH_WIRE names one."""
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    named = os.environ.get('LOCKSTITCH_WIRE')
    built = [pathlib.Path(named)] if named else list(root.glob('build/*/tools/wire/wire'))
    built = sorted((path for path in built if path.exists()), key=lambda path: path.stat().st_mtime)
    if not built:
        raise FileNotFoundError('the program wire is not built: `cmake --build build/release --target wire`, '
                                'or name it in LOCKSTITCH_WIRE')
    return str(built[-1])


class Lab:
    """The laboratory from `with` to its end, which kills every process that it started.

    Killing this program with SIGKILL ends those too, but not what run() was called for outside the main thread.
    """

    HOSTS = ('a', 'b', 'client', 'witness', 'switch')

    def __init__(self, wire=None):
        self._wire_path = wire or find_wire()
        self._processes = []
        self._pids = {}
        self._wire = None

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Kills every process, which removes everything. May be called twice."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            for process in reversed(self._processes):
                # The whole group: what a program has started ends with it, even where it has ended itself.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                for stream in (process.stdin, process.stdout, process.stderr):
                    if stream is not None:
                        with contextlib.suppress(OSError):
                            stream.close()
            self._processes.clear()
            self._pids.clear()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    # -- programs -----------------------------------------------------------------------------------------------------

    def pid(self, host):
        """A process in that host's namespace, for `nsenter -t PID -n`."""
        return self._pids[host]

    def run(self, host, argv, **popen_kwargs):
        """Starts a program on a host. Its pid is the program's own; it leads a process group and a session."""
        return self._start(['nsenter', '-t', str(self.pid(host)), '-n', '--'], argv, **popen_kwargs)

    def check(self, host, argv, **kwargs):
        """Runs a program on a host to its end. Returns what it printed; fails with what it complained about."""
        enter = ['nsenter', '-t', str(self.pid(host)), '-n', '--']
        if 'input' not in kwargs:
            kwargs.setdefault('stdin', subprocess.DEVNULL)
        done = subprocess.run([*enter, *map(str, argv)], capture_output=True, text=True, **kwargs)
        if done.returncode != 0:
            raise RuntimeError(f'{host}: {" ".join(map(str, argv))} ended with {done.returncode}: {done.stderr.strip()}')
        return done.stdout

    @contextlib.contextmanager
    def inside(self, host):
        """This thread is in the host's namespace meanwhile; a socket made there stays there."""
        libc = ctypes.CDLL(None, use_errno=True)

        def enter(fd):
            if libc.setns(fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f'setns: {os.strerror(ctypes.get_errno())}')

        with open('/proc/thread-self/ns/net') as ours, open(f'/proc/{self.pid(host)}/ns/net') as theirs:
            enter(theirs.fileno())
            try:
                yield
            finally:
                enter(ours.fileno())

    def socket(self, host, *arguments):
        """A socket of that host; arguments as for socket.socket."""
        with self.inside(host):
            return socket.socket(*arguments)

    # -- faults: the synchronisation link -----------------------------------------------------------------------------

    def cut_link(self, direction='both'):
        """'ab': nothing of a's reaches b any more; 'ba': the other way round; 'both'. Frames on their way are lost."""
        self.wire(f'cut {direction}')

    def mend_link(self):
        """Undoes cut_link, not delay_link and lose_link."""
        self.wire('mend')

    def delay_link(self, ms, jitter_ms=0):
        """One way, both directions; each frame's delay differs by up to jitter_ms; the order stays."""
        self.wire(f'delay {ms}')
        self.wire(f'jitter {jitter_ms}')

    def lose_link(self, percent, seed=None):
        if seed is not None:
            self.wire(f'seed {seed}')
        self.wire(f'loss {percent}')

    def reset_link(self):
        """A sound link without delay."""
        self.wire('reset')

    def wire(self, command):
        """One command of the program wire (tools/wire/main.cc)."""
        try:
            self._wire.stdin.write(command + '\n')
            self._wire.stdin.flush()
            answer = self._wire.stdout.readline().strip()
        except OSError:
            answer = ''
        if answer != 'ok':
            raise RuntimeError(f'wire, {command}: {answer or "the program has ended"}')

    # -- faults: the other networks; a cut is the plug pulled at the switch, so the host loses its carrier --------------

    def cut_client(self):
        self._plug('lan-client', 'down')

    def mend_client(self):
        self._plug('lan-client', 'up')

    def cut_uplink(self, host):
        """The machine on `host` no longer reaches the lan."""
        self._plug(f'lan-{host}', 'down')

    def mend_uplink(self, host):
        self._plug(f'lan-{host}', 'up')

    def cut_arbiter(self, host):
        """`host` no longer reaches the arbiter network; for 'witness' that is everybody."""
        self._plug(f'quorum-{host}', 'down')

    def mend_arbiter(self, host):
        self._plug(f'quorum-{host}', 'up')

    # -- the building -------------------------------------------------------------------------------------------------

    def _plug(self, port, state):
        self.check('switch', ['ip', 'link', 'set', 'dev', port, state])

    def _start(self, enter, argv, **popen_kwargs):
        popen_kwargs.setdefault('start_new_session', True)  # Ctrl-C reaches this program alone, which then ends all
        # The kernel tells of the death of the starting thread, which means this program for the main thread only.
        main = threading.current_thread() is threading.main_thread()
        leash = ['setpriv', '--pdeathsig', 'KILL'] if main else []
        process = subprocess.Popen([*leash, *enter, *map(str, argv)], **popen_kwargs)
        self._processes.append(process)
        return process

    def _build(self):
        ours = os.readlink('/proc/self/ns/net')
        for host in self.HOSTS:
            holder = self._start([], ['unshare', '-n', 'sleep', 'infinity'], stdin=subprocess.DEVNULL)
            self._pids[host] = holder.pid
        for host, pid in self._pids.items():
            deadline = time.monotonic() + 10
            while os.readlink(f'/proc/{pid}/ns/net') == ours:
                if time.monotonic() > deadline:
                    raise RuntimeError(f'the namespace of {host} did not come up')
                time.sleep(0.001)

        self._ip('switch', 'link set lo up',
                 f'link add name lan {BRIDGE}', 'link set lan up',
                 f'link add name quorum {BRIDGE}', 'link set quorum up',
                 *self._port('lan', 'client', 'lan0'), *self._port('lan', 'a', 'uplink'),
                 *self._port('lan', 'b', 'uplink'),
                 *(line for host in ARBITER_ADDRESS for line in self._port('quorum', host, 'quorum0')))
        self._ip('client', 'link set lo up', f'addr add {CLIENT_ADDRESS}/24 dev lan0', 'link set lan0 up')
        for host, address in ARBITER_ADDRESS.items():
            self._ip(host, 'link set lo up', f'addr add {address}/24 dev quorum0', 'link set quorum0 up')
        for host, address in LINK_ADDRESS.items():
            self._ip(host,
                     f'link add name br0 {BRIDGE}',
                     'tuntap add dev guest0 mode tap', 'tuntap add dev sync0 mode tap',
                     *(f'link set {name} addrgenmode none' for name in ('br0', 'guest0', 'sync0', 'uplink')),
                     'link set uplink master br0', 'link set guest0 master br0',
                     *(f'link set {name} up' for name in ('br0', 'guest0', 'uplink')),
                     f'addr add {address}/24 dev sync0', 'link set sync0 up')
        self._wire = self._start([], [self._wire_path, '--a', f'{self.pid("a")}:sync0', '--b', f'{self.pid("b")}:sync0'],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.wire('reset')  # answered once both ends are attached

    def _port(self, bridge, host, name):
        """A veth pair: bridge's port `bridge`-`host` on the switch, interface `name` on the host."""
        port = f'{bridge}-{host}'
        return (f'link add name {port} type veth peer name {name} netns {self.pid(host)}',
                f'link set {port} master {bridge} addrgenmode none', f'link set {port} up')

    def _ip(self, host, *lines):
        self.check(host, ['ip', '-batch', '-'], input='\n'.join(lines) + '\n')


def main():
    if sys.argv[1:] != ['--self-test']:
        print('usage: lab.py --self-test', file=sys.stderr)
        return 64
    problem = enter_or_explain()
    if problem is not None:
        print(problem)
        return 77
    # So that `kill` unwinds the laboratory as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    import self_test
    try:
        return self_test.run(Lab)
    except FileNotFoundError as problem:
        print(problem, file=sys.stderr)
        return 69


if __name__ == '__main__':
    sys.exit(main())
