#!/usr/bin/env python3
"""Measures the PC board beside QEMU's TCG with the same devices in one go: disks, network cards, and how long a boot takes.

All times are the host's: what a user waits. bench/README.md says how and how far to trust it. Not here: how the machines
are started (pc_machine.py), and whether anything is right, which is what tests/ is for.
"""
import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import guest
import pc_machine
from guest import MIB, ROOT
from pc_machine import PROGRAMS, Medium, Pc, Running

PARTS = ["ide", "virtio-blk", "e1000", "virtio-net", "menu", "login"]
BOARDS = {"ide": ("ide", "e1000"), "virtio": ("virtio-blk", "virtio-net")}  # by the disk's bus: a boot serves two parts
DISK_BYTES = 256 * MIB
APPEND = "console=ttyS0 quiet panic=-1 mitigations=off rdinit=/pc-load"
PATIENCE_S, MAX_ATTEMPTS = 300, 10
WINDOW = 32  # datagrams under way
DATAGRAM = b"." * 64
# Name, the guest's command, what its first attempt counts, the divisor of its answer, unit.
DISK_LOADS = [("read, 1 MiB", "read", 16, MIB, "MiB/s"), ("write, 1 MiB", "write", 16, MIB, "MiB/s"),
              ("read, random 4 KiB", "readr", 50, 4096, "/s"), ("write and flush, random 4 KiB", "writer", 25, 4096, "/s")]
NET_LOADS = [("TCP to the guest", "tcpin", 4 * MIB, MIB, "MiB/s"), ("TCP from the guest", "tcpout", 4 * MIB, MIB, "MiB/s"),
             ("TCP round trips of a byte", "tcpecho", 100, 1, "/s"), ("UDP round trips, 64 bytes", "udpecho", 100, 1, "/s"),
             (f"the same, {WINDOW} under way", "udpwindow", 500, 1, "/s"), ("UDP from the guest, 64 bytes", "udpout", 2000, 1, "/s")]


class Client:
    """The host's side of a network load, in a thread of its own; `count` is what came back or arrived."""

    def __init__(self, load, port, amount):
        self.port, self.amount, self.count, self.lost, self.seconds, self.over = port, amount, 0, 0, None, threading.Event()
        self.thread = threading.Thread(target=getattr(self, load), daemon=True)
        self.thread.start()

    def finish(self):
        self.over.set()
        self.thread.join(30)

    def stream(self):
        s = socket.create_connection(("127.0.0.1", self.port), 60)
        s.settimeout(PATIENCE_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def datagrams(self):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MIB)
        s.settimeout(0.5)
        s.connect(("127.0.0.1", self.port))
        return s

    def tcpin(self):
        with self.stream() as s:
            piece = os.urandom(MIB)
            for _ in range(self.amount // MIB):
                s.sendall(piece)
            self.count = self.amount if s.recv(1) else 0

    def tcpout(self):
        with self.stream() as s:
            while piece := s.recv(MIB):
                self.count += len(piece)

    def tcpecho(self):
        with self.stream() as s:
            for _ in range(self.amount):
                s.sendall(b".")
                if not s.recv(1):
                    break
                self.count += 1

    def udpecho(self, window=1):
        with self.datagrams() as s:
            sent = 0
            while self.count + self.lost < self.amount:
                while sent < self.amount and sent - self.count - self.lost < window:
                    s.send(DATAGRAM)
                    sent += 1
                try:
                    s.recv(2048)
                    self.count += 1
                except TimeoutError:
                    self.lost = sent - self.count
            while not self.over.is_set():
                s.send(b".")  # the end of it
                self.over.wait(0.5)

    def udpwindow(self):
        self.udpecho(WINDOW)

    def udpout(self):
        with self.datagrams() as s:
            s.send(DATAGRAM)
            first = last = None
            while self.count < self.amount:
                try:
                    s.recv(2048)
                except TimeoutError:
                    if self.over.is_set():
                        break
                    continue
                self.count, last = self.count + 1, time.monotonic()
                first = first or last
            self.lost = self.amount - self.count
            self.seconds = last - first if self.count > 1 else None


class Bench:
    def __init__(self, options, scratch):
        self.lockstitch, self.clock = guest.lockstitch_in(options.build), options.clock
        self.media, self.scratch, self.seconds, self.count = options.media, scratch, options.seconds, 0
        self.found, self.failed = {}, []

    def medium(self, name):
        path = os.path.join(self.media, name)
        if not os.path.exists(path):
            sys.exit(f"bench: {path} is missing; scripts/build-pc-media makes it")
        return path

    def check(self, parts, programs):
        """Ends with a sentence if something is missing, before anything takes time."""
        need = [("xorriso", "xorriso"), ("cpio", "cpio"), ("cc", "gcc and libc6-dev")]
        need += [("qemu-system-x86_64", "qemu-system-x86")] if set(programs) - {"ours"} else []
        for program, package in need:
            if not shutil.which(program):
                sys.exit(f"bench: {program} is missing; apt-get install {package}")
        if {"menu", "login"} & set(parts) and not os.path.exists(pc_machine.UEFI_CODE):
            sys.exit(f"bench: {pc_machine.UEFI_CODE} is missing; apt-get install ovmf")
        for name in ["grub.iso"] + (["pc.img"] if "login" in parts else []):
            self.medium(name)

    def make_load(self):
        """Kernel and initramfs of the CD, and the load as one more archive behind it."""
        files = {"vmlinuz": os.path.join(self.scratch, "vmlinuz"), "initrd.img": os.path.join(self.scratch, "initrd.img")}
        extract = [word for name, path in files.items() for word in ("-extract", "/boot/" + name, path)]
        must(["xorriso", "-osirrox", "on", "-indev", self.medium("grub.iso"), *extract])
        tree = os.path.join(self.scratch, "load")
        os.mkdir(tree)
        must(["cc", "-static", "-O2", "-o", os.path.join(tree, "pc-load"), os.path.join(ROOT, "bench/guests/pc_load.c")])
        archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=b"pc-load\n", capture_output=True, check=True)
        os.chmod(files["initrd.img"], 0o644)
        with open(files["initrd.img"], "ab") as file:
            file.write(bytes(-file.tell() % 4) + archive.stdout)
        return files["vmlinuz"], files["initrd.img"], APPEND

    def make_disk(self):
        path = os.path.join(self.scratch, "disk.img")
        with open(path, "wb") as file:
            for _ in range(DISK_BYTES // MIB):
                file.write(os.urandom(MIB))
            file.flush()
            os.fsync(file.fileno())  # or the host would still write it while the first load is timed
        return path

    def start(self, program, pc):
        return Running(pc.ours(self.lockstitch, self.clock) if program == "ours" else pc.qemu(program == "icount", self.scratch))

    def add(self, name, unit, program, value, guest_value=None, **more):
        row = self.found.setdefault(name, {"unit": unit, **{p: [] for p in PROGRAMS}})
        row[program].append({"value": value, "guest": guest_value, **more})
        told = "" if guest_value is None else f" (the guest says {guest_value:.4g})"
        print(f"bench: {program}: {name}: {value:.4g} {unit}{told}", file=sys.stderr, flush=True)

    def grown(self, measure, first):
        """Repeats with more until it takes as long as it shall; the last attempt counts."""
        amount = first
        for _ in range(MAX_ATTEMPTS):
            sample = measure(amount)
            if sample["host_s"] >= self.seconds / 2:
                break
            amount = int(amount * min(8, max(2, self.seconds / max(sample["host_s"], 1e-3))))
        return sample

    def measure_disk(self, part, program, machine):
        for name, command, first, divisor, unit in DISK_LOADS:
            def measure(amount, command=command, divisor=divisor):
                cpu_s = machine.cpu_s()
                machine.tell(f"{command} {amount}")
                host_s, moved, guest_s = machine.timed(PATIENCE_S)
                return {"host_s": host_s, "guest_s": guest_s, "count": moved / divisor, "cpu_s": machine.cpu_s() - cpu_s}
            self.add_rate(f"{part}: {name}", unit, program, self.grown(measure, first))

    def measure_network(self, part, program, machine, port):
        for name, load, first, divisor, unit in NET_LOADS:
            def measure(amount, load=load, divisor=divisor):
                if divisor == MIB:
                    amount -= amount % MIB
                cpu_s = machine.cpu_s()
                machine.tell(f"{'udpecho' if load == 'udpwindow' else load} {amount}")
                machine.wait(rb"listening\n", 60)
                client = Client(load, port, amount)
                try:
                    host_s, counted, guest_s = machine.timed(PATIENCE_S)
                finally:
                    client.finish()
                if client.count == 0:
                    machine.fail(f"let nothing through ({load})")
                if load == "tcpin" and counted != amount:
                    machine.fail(f"got {counted} of {amount} bytes")
                return {"host_s": client.seconds or host_s, "guest_s": guest_s, "count": client.count / divisor,
                        "lost": client.lost, "cpu_s": machine.cpu_s() - cpu_s}
            self.add_rate(f"{part}: {name}", unit, program, self.grown(measure, first))

    def add_rate(self, name, unit, program, sample):
        self.add(name, unit, program, sample["count"] / sample["host_s"], sample["count"] / max(sample["guest_s"], 1e-9), **sample)

    def measure_board(self, bus, parts, program, kernel, disk):
        disk_part, net_part = BOARDS[bus]
        port = guest.free_port()
        pc = Pc(disk=Medium(disk, bus, keep=True), card="virtio" if bus == "virtio" else "e1000", port=port, kernel=kernel)
        with self.start(program, pc) as machine:
            machine.wait(rb"ready /dev/[sv]da\n", PATIENCE_S)
            if disk_part in parts:
                self.measure_disk(disk_part, program, machine)
            if net_part in parts:
                self.measure_network(net_part, program, machine, port)

    def measure_menu(self, firmware, program):
        """GRUB's menu from CD."""
        with self.start(program, Pc(cdrom=Medium(self.medium("grub.iso")), firmware=firmware)) as machine:
            self.add_boot(f"menu: GRUB from CD, {firmware}", program, machine, machine.wait(rb"Say two", PATIENCE_S)[0])

    def measure_login(self, firmware, bus, program):
        """GRUB's menu from disk, a key for its first entry, Debian until PostgreSQL answers."""
        pc = Pc(disk=Medium(self.medium("pc.img"), bus), card="virtio" if bus == "virtio" else "e1000", firmware=firmware)
        with self.start(program, pc) as machine:
            menu, _ = machine.wait(rb"Debian with PostgreSQL", PATIENCE_S)
            self.add_boot(f"login: GRUB from {bus}, {firmware}", program, machine, menu)
            machine.tell("")
            ready, _ = machine.wait(guest.READY, PATIENCE_S)
            self.add_boot(f"login: Debian from {bus}, {firmware}", program, machine, ready)

    def add_boot(self, name, program, machine, when):
        self.add(name, "s", program, when - machine.power_on, cpu_s=machine.cpu_s())

    def attempts(self, parts):
        """What one run consists of: functions of a program's name."""
        kernel = disk = None
        for bus, of in BOARDS.items():
            if set(of) & set(parts):
                kernel, disk = kernel or self.make_load(), disk or self.make_disk()
                yield f"board with {bus}", lambda program, bus=bus: self.measure_board(bus, parts, program, kernel, disk)
        for firmware in ("bios", "uefi"):
            if "menu" in parts:
                yield f"menu, {firmware}", lambda program, firmware=firmware: self.measure_menu(firmware, program)
        for firmware in ("bios", "uefi"):
            for bus in ("ide", "virtio") if "login" in parts else ():
                yield f"login, {firmware}, {bus}", lambda program, f=firmware, b=bus: self.measure_login(f, b, program)

    def measure(self, parts, programs, runs):
        """Every program in turn, each first once in a while, so that whatever else the machine does hits all alike."""
        attempts = list(self.attempts(parts))
        for run in range(runs):
            for name, attempt in attempts:
                for turn in range(len(programs)):
                    program = programs[(run + turn) % len(programs)]
                    try:
                        attempt(program)
                    except guest.Failed as failure:
                        self.failed.append({"part": name, "program": program, "run": run, "why": str(failure)})
                        print(f"bench: {program}: {name} failed: {failure}", file=sys.stderr, flush=True)
            print(f"bench: run {run + 1} of {runs} done", file=sys.stderr, flush=True)


def must(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} failed: {done.stderr[-800:]}")


def evaluate(found):
    """Medians; `speed`: ours over QEMU's, for times QEMU's over ours, so that above 1 Lockstitch is faster."""
    figures = []
    for name, row in found.items():
        figure = {"name": name, "unit": row["unit"]}
        for program in PROGRAMS:
            values = [sample["value"] for sample in row[program]]
            guests = [sample["guest"] for sample in row[program] if sample["guest"] is not None]
            figure[program] = statistics.median(values) if values else None
            figure[program + "_guest"] = statistics.median(guests) if guests else None
            figure[program + "_cpu_s"] = statistics.median(sample["cpu_s"] for sample in row[program]) if values else None
            figure[program + "_lost"] = sum(sample.get("lost", 0) for sample in row[program])
            figure[program + "_spread"] = (max(values) - min(values)) / figure[program] if values else None
        for program in PROGRAMS[1:]:
            ours, other = figure["ours"], figure[program]
            figure["speed_" + program] = None if not ours or not other else other / ours if row["unit"] == "s" else ours / other
        figures.append(figure)
    return figures


def short(value, digits=3):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 10 ** digits else f"{value:.{digits}g}"


def print_figures(figures):
    print(f"{'':49}{'ours':>8}{'':8} {'tcg':>9}{'':8} {'icount':>9}{'':8} {'speed, QEMU = 1':>18}")
    print(f"{'':49}{'host':>8}{'own':>8}" + f" {'host':>9}{'own':>8}" * 2 + f" {'tcg':>10}{'icount':>8}")
    for f in figures:
        own = "_cpu_s" if f["unit"] == "s" else "_guest"
        columns = " ".join(f"{short(f[p]):>{8 if p == 'ours' else 9}}{short(f[p + own]):>8}" for p in PROGRAMS)
        print(f"{f['name']:43}{f['unit']:6}{columns} {short(f['speed_tcg']):>10}{short(f['speed_icount']):>8}")
    print("own: of loads the figure by the guest's own clock, of boots (unit s) the process's CPU seconds until then")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of everything (default 3)")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--program", action="append", choices=PROGRAMS, help="only this program; may be repeated")
    parser.add_argument("--seconds", type=float, default=2, help="how long a load shall take, about (default 2)")
    parser.add_argument("--clock", choices=["realtime", "virtual"], default="realtime", help="ours (default realtime)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), help="build folder (default build/release)")
    parser.add_argument("--media", default=os.path.join(ROOT, "build/pc"), help="of scripts/build-pc-media (default build/pc)")
    parser.add_argument("--scratch", metavar="DIR", help="an existing folder for the disk that is read and written")
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    options = parser.parse_args()
    parts = [part for part in PARTS if not options.only or part in options.only]
    programs = [program for program in PROGRAMS if not options.program or program in options.program]
    report = {"host": guest.host(), "runs": options.runs, "clock": options.clock, "seconds": options.seconds}
    with contextlib.ExitStack() as at_end:
        scratch = at_end.enter_context(tempfile.TemporaryDirectory(dir=options.scratch))
        bench = Bench(options, scratch)
        bench.check(parts, programs)
        print(f"bench: {report['host']['cpu']}, {report['host']['cores']} cores, load {report['host']['load_before']:.1f}; "
              f"median of {options.runs} runs; {report['host']['qemu']}", flush=True)
        bench.measure(parts, programs, options.runs)
    report["host"]["load_after"] = os.getloadavg()[0]
    report.update(figures=evaluate(bench.found), samples=bench.found, failed=bench.failed)
    print_figures(report["figures"])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
    sys.exit(1 if bench.failed else 0)


if __name__ == "__main__":
    main()
