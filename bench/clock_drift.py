#!/usr/bin/env python3
"""Compares a guest's clock with the host's over a busy and an idle minute, with --clock realtime.

The guest prints its time on the serial port once a second; the host notes when each line arrives. What is reported is by how
much the time since the first line differs. It includes the way of the line: the guest's scheduler, the serial driver, the host.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BAR_MS = 20
# EPOCHREALTIME is read by the shell itself: no process is started between the reading of the clock and the write.
INIT = """#!/bin/sh
export PATH=/bin
seconds=%d
busybox mount -t proc proc /proc
stamps() {
  n=0
  while [ $n -lt $seconds ]; do
    busybox sleep 1
    echo "STAMP $1 $EPOCHREALTIME"
    n=$((n + 1))
  done
}
busybox sleep 2
(i=0; while :; do i=$((i + 1)); done) &
burner=$!
stamps busy
kill $burner
stamps idle
busybox poweroff -f
"""


def newc(entries):
    """A cpio archive as the kernel unpacks it (Linux Documentation/driver-api/early-userspace/buffer-format.rst)."""
    archive = bytearray()
    for number, (name, mode, content, device) in enumerate([*entries, ("TRAILER!!!", 0, b"", (0, 0))], 1):
        fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name) + 1, 0]
        archive += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        archive += b"\0" * (-len(archive) % 4) + content
        archive += b"\0" * (-len(archive) % 4)
    return bytes(archive)


def initramfs(seconds):
    busybox = shutil.which("busybox")
    if not busybox:
        sys.exit("clock_drift: busybox is missing (Debian package busybox-static)")
    with open(busybox, "rb") as file:
        program = file.read()
    folder, regular, character = 0o040755, 0o100755, 0o020600
    return newc([("bin", folder, b"", (0, 0)), ("dev", folder, b"", (0, 0)), ("proc", folder, b"", (0, 0)),
                 ("dev/console", character, b"", (5, 1)), ("bin/busybox", regular, program, (0, 0)),
                 ("bin/sh", regular, program, (0, 0)), ("init", regular, (INIT % seconds).encode(), (0, 0))])


def collect(command, limit_seconds):
    """Every stamp: phase, guest seconds, host seconds of the monotonic clock when the line was complete."""
    stamps = []
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0)
    line, end = b"", time.monotonic() + limit_seconds
    try:
        while time.monotonic() < end:
            piece = os.read(child.stdout.fileno(), 4096)
            arrived = time.monotonic()
            if not piece:
                break
            *complete, line = (line + piece).split(b"\n")
            for text in complete:
                found = re.match(rb"STAMP (\w+) (\d+\.\d+)", text.strip())
                if found:
                    stamps.append((found.group(1).decode(), float(found.group(2)), arrived))
    finally:
        child.terminate()
        child.wait(60)
    return stamps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="length of each phase (default 60)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), help="build folder (default build/release)")
    parser.add_argument("--kernel", default=os.path.join(ROOT, "build/guest/vmlinuz"))
    parser.add_argument("--json", metavar="FILE", help="write all stamps and results there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        initrd = os.path.join(scratch, "initramfs.cpio")
        with open(initrd, "wb") as file:
            file.write(initramfs(options.seconds))
        stamps = collect([os.path.join(options.build, "lockstitch"), "run", "--memory", "256M", "--clock", "realtime", "--quiet",
                          "--kernel", options.kernel, "--initrd", initrd, "--append", "console=ttyS0 quiet panic=-1 mitigations=off",
                          "--serial", "stdio"], 2 * options.seconds * 1.5 + 120)
    if not stamps:
        sys.exit("clock_drift: the guest printed no time")
    _, guest_start, host_start = stamps[0]
    report = {"bar_ms": BAR_MS, "load_after": os.getloadavg()[0], "phases": {},
              "stamps": [{"phase": p, "guest_s": g, "host_s": h} for p, g, h in stamps]}
    for phase in ("busy", "idle"):
        # Positive: the guest's clock is ahead of the host's.
        ahead_ms = [((guest - guest_start) - (host - host_start)) * 1e3 for p, guest, host in stamps if p == phase]
        if len(ahead_ms) < options.seconds:
            sys.exit(f"clock_drift: only {len(ahead_ms)} of {options.seconds} {phase} lines came")
        worst = max(ahead_ms, key=abs)
        report["phases"][phase] = {"lines": len(ahead_ms), "worst_ms": worst, "median_ms": statistics.median(ahead_ms),
                                   "last_ms": ahead_ms[-1]}
        print(f"{phase}: {len(ahead_ms)} s, guest ahead of host by {statistics.median(ahead_ms):+.2f} ms (median), "
              f"{ahead_ms[-1]:+.2f} ms at the end, {worst:+.2f} ms at worst; bar {BAR_MS} ms"
              f"{'' if abs(worst) <= BAR_MS else '  missed'}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
