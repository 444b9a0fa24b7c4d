"""A protected guest in the laboratory: two replicas, their witness, and what a client sees of them."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import lab as network

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
READY = b'LOCKSTITCH-GUEST-READY'
OTHER = {'a': 'b', 'b': 'a'}


class Pair:
    """Replicas on the hosts a and b of `laboratory`, everything of theirs below `folder`."""

    def __init__(self, laboratory, folder, build=ROOT / 'build/release', guest=ROOT / 'build/guest', memory='512M',
                 arbiter='witness', append='', wrap=None, firmware=None):
        """`firmware`: 'bios' or 'uefi' boots the disk of build/pc on IDE and with an e1000, instead of a kernel."""
        self.lab = laboratory
        self.folder = pathlib.Path(folder)
        self.lockstitch = str(pathlib.Path(build) / 'lockstitch')
        self.ledger = str(pathlib.Path(build) / 'tools/ledger/ledger')
        self.guest = pathlib.Path(guest)
        self.memory = memory
        self.firmware = firmware
        self.append = f'console=ttyS0 panic=-1 mitigations=off {append}'.strip()
        self.arbiter = {'witness': f'witness:{network.ARBITER_ADDRESS["witness"]}:7401',
                        'file': f'file:{self.folder}/shared/term',
                        'etcd': f'etcd:{network.ARBITER_ADDRESS["witness"]}:2379'}[arbiter]
        self.wrap = wrap or {}
        self.processes = {}
        self.logs = []
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / 'shared').mkdir()
        subprocess.run([self.lockstitch, 'keys', '-o', str(self.folder / 'keys'), 'a', 'b', 'witness'], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for host in 'ab':
            (self.folder / host).mkdir()
            image = ROOT / 'build/pc/pc.img' if firmware else self.guest / 'disk.img'
            subprocess.run(['cp', '--sparse=always', str(image), str(self.disk(host))], check=True)

    def disk(self, host):
        return self.folder / host / 'disk.img'

    def console(self, host):
        return self.folder / host / 'console.txt'

    def events(self, host):
        path = self.folder / host / 'events.json'
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith('}')]

    # -- processes ------------------------------------------------------------------------------------------------

    def start_witness(self):
        if self.arbiter.startswith('etcd:'):
            url = f'http://{network.ARBITER_ADDRESS["witness"]}'
            self._start('witness', 'witness', [
                'etcd', '--data-dir', self.folder / 'etcd', '--listen-client-urls', f'{url}:2379',
                '--advertise-client-urls', f'{url}:2379', '--listen-peer-urls', f'{url}:2380',
                '--initial-advertise-peer-urls', f'{url}:2380', '--initial-cluster', f'default={url}:2380'])
            return
        self._start('witness', 'witness', [self.lockstitch, 'witness', '--listen', '0.0.0.0:7401', '--keys',
                                           self.folder / 'keys/witness', '--state', self.folder / 'witness'])

    def machine(self, host):
        disk = f'file={self.disk(host)},mode=rw'
        if self.firmware:
            return ['--firmware', self.firmware, '--disk', disk + ',bus=ide']
        return ['--kernel', self.guest / 'vmlinuz', '--initrd', self.guest / 'initramfs.cpio', '--disk', disk, '--append',
                self.append]

    def start(self, host, command='protect', extra=()):
        other = network.LINK_ADDRESS[OTHER[host]]
        self._start(host, host, [
            *self.wrap.get(host, ()), self.lockstitch, command, '--memory', self.memory, *self.machine(host), '--net', 'tap=guest0', '--serial', f'file:{self.console(host)}', '--listen',
            f'{network.LINK_ADDRESS[host]}:7400', '--peer', f'{other}:7400', '--arbiter', self.arbiter, '--keys',
            self.folder / 'keys' / host, '--state', self.folder / host / 'state', '--events',
            self.folder / host / 'events.json', '--name', host, *extra])

    def _start(self, key, host, argv):
        log = open(self.folder / f'{key}.log', 'ab')
        self.logs.append(log)
        self.processes[key] = self.lab.run(host, argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self, *keys, how=signal.SIGKILL):
        """Several at once, as when the site loses its power."""
        for key in keys:
            self.processes[key].send_signal(how)
        if how == signal.SIGKILL:
            for key in keys:
                self.processes[key].wait()

    def alive(self, key):
        return key in self.processes and self.processes[key].poll() is None

    # -- what they say --------------------------------------------------------------------------------------------

    def status(self, host):
        """None when nobody answers."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                path = os.path.relpath(self.folder / host / 'state/control')
                connection.connect(path)
                connection.sendall(b'status\n')
                line = b''
                while not line.endswith(b'\n'):
                    piece = connection.recv(65536)
                    if not piece:
                        return None
                    line += piece
            return json.loads(line)
        except (OSError, ValueError):
            return None

    def role(self, host):
        status = self.status(host) if self.alive(host) else None
        return status['role'] if status else None

    def leader(self):
        for host in 'ab':
            if self.role(host) in ('alone', 'inviting', 'paired', 'handing'):
                return host
        return None

    def wait(self, what, condition, seconds=60):
        """The first true value of condition(); raises with the events otherwise."""
        deadline = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise TimeoutError(f'{what}: not after {seconds} s\n{self.story()}')
            for key, process in self.processes.items():
                if process.poll() is not None and process.returncode not in (0, 82, -signal.SIGKILL):
                    raise RuntimeError(f'{what}: {key} ended with {process.returncode}\n{self.story()}')
            time.sleep(0.02)

    def wait_paired(self, seconds=60):
        def paired():
            host = self.leader()
            return host if host and self.role(host) == 'paired' and self.role(OTHER[host]) == 'following' else None
        return self.wait('a pair in sync', paired, seconds)

    def wait_guest(self, seconds=120):
        def ready():
            return any(self.console(host).exists() and READY in self.console(host).read_bytes() for host in 'ab')
        self.wait('a guest that has booted', ready, seconds)

    def story(self):
        """The events of both replicas, in order of time; for people."""
        lines = []
        for host in 'ab':
            lines += [(e['time'], f"{e['time'][11:]} {host} {e['event']}: {e['detail']} ({e['role']}, term {e['term']})")
                      for e in self.events(host)]
        tail = [f'{key}.log: {line}' for key in ('a', 'b', 'witness')
                for line in self._tail(self.folder / f'{key}.log')]
        return '\n'.join([line for _, line in sorted(lines)] + tail)

    @staticmethod
    def _tail(path):
        return path.read_text(errors='replace').splitlines()[-5:] if path.exists() else []
