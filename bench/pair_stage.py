"""What the benchmark of a pair stands on: a protected guest, the same guest unprotected beside it, which core does what,
and clients that take times. Not here: what is measured and how it is judged.
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import guest

sys.path.insert(0, os.path.join(guest.ROOT, "tools/lab"))  # its `pair` goes before the benchmark of that name
import demo  # noqa: E402,F401
import lab as network  # noqa: E402
import pair as pairs  # noqa: E402

PLACEMENTS = {"own": "follower on a core of its own", "shared": "two cores for all"}


class Unprotected(pairs.Pair):
    """The same guest under `lockstitch run` on host a."""

    def start(self):
        self._start("a", "a", [self.lockstitch, "run", "--memory", self.memory, "--kernel", self.guest / "vmlinuz", "--initrd",
                               self.guest / "initramfs.cpio", "--disk", f"file={self.disk('a')},mode=rw", "--append", self.append,
                               "--net", "tap=guest0", "--serial", f"file:{self.console('a')}", "--clock", "realtime", "--quiet"])

    def guest_process(self):
        return self.processes["a"]


class Protected(pairs.Pair):
    """Two replicas. `fault` is what kill() does to one: `kill`, `stop` (SIGSTOP, until it is started again) or `cut` (it is
    killed behind a cut link, so that nobody is told)."""

    fault, hit_s = "kill", 0.0

    def guest_process(self):
        return self.processes[self.leader()]

    def kill(self, *keys, how=signal.SIGKILL):
        if self.fault == "cut":
            self.lab.cut_link("both")
        self.hit_s = time.time()
        super().kill(*keys, how=signal.SIGSTOP if self.fault == "stop" else how)

    def start(self, host, command="protect", extra=()):
        if self.fault == "cut":
            self.lab.mend_link()
        if self.alive(host):
            super().kill(host)
        super().start(host, command, extra)

    def after(self, host, event, limit_s=60):
        """Unit: ms. From the latest kill() to that event of the other replica's, by the host's wall clock."""
        def found():
            return [e for e in self.events(host) if e["event"] == event and utc_s(e["time"]) > self.hit_s - 0.002]
        self.wait(f"{event} at {host}", found, limit_s)
        return 1000 * (utc_s(found()[0]["time"]) - self.hit_s)


def utc_s(text):
    """Of an event's time, which has milliseconds."""
    whole, milliseconds = text.rstrip("Z").split(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) - time.timezone + int(milliseconds) / 1000


class Stage:
    """A pair in lockstep, and with `beside` an unprotected guest in a laboratory of its own. `with` ends everything."""

    def __init__(self, build, scratch, beside=True):
        self.build, self.folder, self.beside = os.path.abspath(build), tempfile.mkdtemp(dir=scratch), beside
        self.cores = sorted(os.sched_getaffinity(0))[:2]
        self.at_end = contextlib.ExitStack()
        self.sides = {}

    def __enter__(self):
        try:
            self.build_up()
        except BaseException:
            self.at_end.close()
            raise
        return self

    def __exit__(self, *_):
        self.at_end.close()

    def build_up(self):
        self.at_end.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        kinds = {"plain": Unprotected, "pair": Protected} if self.beside else {"pair": Protected}
        for name, kind in kinds.items():
            lab = self.at_end.enter_context(network.Lab(os.path.join(self.build, "tools/wire/wire")))
            self.sides[name] = kind(lab, os.path.join(self.folder, name), pathlib.Path(self.build))
        self.pair = self.sides["pair"]
        self.pair.start_witness()
        self.pair.start("a")
        if self.beside:
            self.sides["plain"].start()
        for side in self.sides.values():
            side.wait_guest()
        self.pair.start("b", "standby")
        self.pair.wait_paired()

    def place(self, placement):
        """Of what runs now and what is started later, which belongs to the leader's side. In `own` the first core has the
        leader, the unprotected guest, the wire, the clients and this program; the second one has the follower alone."""
        first = set(self.cores) if placement == "shared" else {self.cores[0]}
        pin(os.getpid(), first)
        for pid in children():
            pin(pid, first)
        if placement == "own":
            follower = pairs.OTHER[self.pair.wait_paired()]
            pin(self.pair.processes[follower].pid, {self.cores[1]})

    def placements(self):
        return list(PLACEMENTS) if len(self.cores) > 1 else ["shared"]

    def counters(self, host, interface):
        """The kernel's: what left through the interface, what came."""
        stats = json.loads(self.pair.lab.check(host, ["ip", "-s", "-j", "link", "show", "dev", interface], timeout=10))[0]["stats64"]
        return {"sent": stats["tx"]["bytes"], "received": stats["rx"]["bytes"], "sent_frames": stats["tx"]["packets"]}


def children():
    """Everything that the laboratories have started; each program is a child of this one."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            with open(f"/proc/{int(name)}/stat") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == os.getpid():
                    found.append(int(name))
    return found


def pin(pid, cores):
    """All threads of the process; what they start later inherits it."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread), cores)


class Session:
    """psql on the client's host, whose \\timing takes the time of every statement."""

    def __init__(self, side):
        self.out = tempfile.TemporaryFile()
        self.process = side.lab.run("client", ["psql", "-h", network.GUEST_ADDRESS, "-U", "postgres", "-X", "-q", "-v",
                                               "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=self.out, stderr=self.out, text=True)
        self.ask("\\timing on")

    def ask(self, line):
        """Does not wait for the answer."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def finish(self, limit_s=60):
        """Unit: ms. Of every statement."""
        self.process.stdin.close()
        code = self.process.wait(limit_s)
        self.out.seek(0)
        text = self.out.read().decode(errors="replace")
        self.out.close()
        if code != 0:
            raise guest.Failed(f"psql ended with {code}: {text[-300:]}")
        return [float(ms) for ms in re.findall(r"^Time: ([0-9.]+) ms", text, re.M)]


class Ping:
    """ICMP echo from a host of a laboratory."""

    def __init__(self, lab, host, address):
        self.socket = lab.socket(host, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.settimeout(5)
        self.socket.connect((address, 0))
        self.number, self.times_ms = 0, []

    def ask(self):
        self.number += 1
        head = struct.pack("!BBHHH", 8, 0, 0, os.getpid() & 0xFFFF, self.number)
        body = bytes(56)
        total = sum(struct.unpack("!4H", head))
        total = (total & 0xFFFF) + (total >> 16)
        begin = time.perf_counter()
        self.socket.send(head[:2] + struct.pack("!H", ~total & 0xFFFF) + head[4:] + body)
        while True:
            answer = self.socket.recv(2048)
            if answer[20] == 0 and answer[24:28] == head[4:]:
                break
        self.times_ms.append(1000 * (time.perf_counter() - begin))

    def finish(self):
        self.socket.close()
        return self.times_ms


def link_round_trips_ms(stage, count, pause_s):
    """A TCP echo of 64 bytes from a to b over the synchronisation link."""
    lab, times_ms = stage.pair.lab, []
    with contextlib.closing(lab.socket("b", socket.AF_INET, socket.SOCK_STREAM)) as listener, \
            contextlib.closing(lab.socket("a", socket.AF_INET, socket.SOCK_STREAM)) as client:
        listener.bind((network.LINK_ADDRESS["b"], 7999))
        listener.listen()

        def echo():
            server, _ = listener.accept()
            with server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while piece := server.recv(64):
                    server.sendall(piece)
        client.settimeout(10)
        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        client.connect((network.LINK_ADDRESS["b"], 7999))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            begin = time.perf_counter()
            client.sendall(bytes(64))
            got = 0
            while got < 64:
                piece = client.recv(64 - got)
                if not piece:
                    raise guest.Failed("the echo over the link ended")
                got += len(piece)
            times_ms.append(1000 * (time.perf_counter() - begin))
            time.sleep(pause_s)
        client.shutdown(socket.SHUT_RDWR)
        thread.join(5)
    return times_ms
