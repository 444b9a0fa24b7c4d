#!/usr/bin/env python3
"""Runs the benchmark guests and the Debian boot under Lockstitch and under QEMU's TCG -icount, in turn, in one go.

CPU time (user + system) of each whole process, the median of --runs, less that of the empty guest. A ratio below 1 means
that Lockstitch needs less CPU time. Prints a table; --json FILE keeps the numbers.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build/release")
GUEST = os.path.join(ROOT, "build/guest")
# What the issue asks for, as the highest allowed ratio of CPU times (0.4x the speed is 2.5x the time).
BARS = {"alu": 2.5, "memory": 2.5, "call": 2.5, "indirect": 2.5, "page_table": 2.5, "string": 1.0, "sse_double": 1.0,
        "sse_integer": 1.0, "debian_boot": 2.0}
QEMU = ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-m", "512", "-nodefaults",
        "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16", "-display", "none", "-no-reboot",
        "-device", "isa-debug-exit,iobase=0x501,iosize=4"]
APPEND = "console=ttyS0 panic=-1 mitigations=off lockstitch.stop=userland"


def cpu_seconds(command, good_codes):
    """User + system CPU seconds of one run of the command."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    error = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in good_codes:
        sys.exit(f"bench: {' '.join(command)} ended with {code}: {error.decode(errors='replace')[-300:]}")
    return usage.ru_utime + usage.ru_stime


def commands(name, scratch):
    summary = os.path.join(scratch, "summary.json")
    ours = [os.path.join(BUILD, "lockstitch"), "run", "--memory", "512M", "--clock", "virtual", "--seed", "1", "--summary", summary, "--quiet"]
    if name == "debian_boot":
        kernel, initrd = os.path.join(GUEST, "vmlinuz"), os.path.join(GUEST, "initramfs.cpio")
        console = os.path.join(scratch, "console")
        return (ours + ["--kernel", kernel, "--initrd", initrd, "--append", APPEND, "--serial", "file:" + console],
                QEMU + ["-kernel", kernel, "-initrd", initrd, "-append", APPEND, "-serial", "file:" + console], summary)
    image = os.path.join(BUILD, "bench", name + ".elf")
    return ours + ["--kernel", image, "--serial", "none"], QEMU + ["-kernel", image], summary


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each, after none for warming up (default 5)")
    parser.add_argument("--only", action="append", help="only this benchmark; may be repeated")
    parser.add_argument("--json", help="write the numbers here")
    options = parser.parse_args()
    names = [n for n in BARS if not options.only or n in options.only]
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in ["empty"] + names:
            ours, qemu, summary = commands(name, scratch)
            times = {"lockstitch": [], "qemu": []}
            for _ in range(options.runs):
                times["lockstitch"].append(cpu_seconds(ours, [0]))
                times["qemu"].append(cpu_seconds(qemu, [0, 1]))
            ticks = json.load(open(summary))["ticks"]
            results[name] = {"ticks": ticks, "lockstitch_s": statistics.median(times["lockstitch"]),
                             "qemu_icount_s": statistics.median(times["qemu"]), "all": times}
            print(f"{name}: done", file=sys.stderr)
    base = results.pop("empty")
    print(f"{'benchmark':14}{'Mticks':>9}{'ours s':>9}{'MIPS':>8}{'qemu s':>9}{'ours/qemu':>11}{'bar':>6}")
    for name, r in results.items():
        whole = name == "debian_boot"
        ours = r["lockstitch_s"] - (0 if whole else base["lockstitch_s"])
        qemu = r["qemu_icount_s"] - (0 if whole else base["qemu_icount_s"])
        r["ratio"], r["bar"], r["mips"] = ours / qemu, BARS[name], r["ticks"] / ours / 1e6
        verdict = "" if r["ratio"] <= r["bar"] else "  missed"
        print(f"{name:14}{r['ticks'] / 1e6:9.0f}{ours:9.3f}{r['mips']:8.0f}{qemu:9.3f}{r['ratio']:11.3f}{r['bar']:6.1f}{verdict}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"machine": os.uname().release, "runs": options.runs, "results": results}, file, indent=2)


if __name__ == "__main__":
    main()
