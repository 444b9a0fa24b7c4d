#!/usr/bin/env python3
"""Measures Lockstitch beside QEMU's TCG with -icount on one machine in one go: CPU time of loops and of a Debian boot.

Then the monitor's own memory and, with --idle-seconds, what an idle Debian costs. bench/README.md says how and how far
to trust it. Not here: whether anything is right; that is what tests/ is for.
"""
import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time

import guest
from guest import MIB, ROOT, run

# The highest allowed ratio of CPU times, ours to QEMU's. A loop at 0.4 of QEMU's speed takes 2.5 times as long.
BARS = {"alu": 2.5, "memory": 2.5, "call": 2.5, "indirect": 2.5, "page_table": 2.5, "string": 1.0, "sse_double": 1.0,
        "sse_integer": 1.0, "debian_boot": 2.0}
BAR_MONITOR_MIB = 64
BAR_IDLE_PERCENT = 2.0
QEMU = ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
        "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot",
        "-device", "isa-debug-exit,iobase=0x501,iosize=4"]
DEBIAN_APPEND = guest.APPEND + " lockstitch.stop=userland"
USERLAND = b"LOCKSTITCH-USERLAND"


class Bench:
    """The files that all measurements use."""

    def __init__(self, build, scratch):
        self.lockstitch = guest.lockstitch_in(build)
        self.guests = os.path.join(build, "bench")
        self.summary = os.path.join(scratch, "summary.json")
        self.console = os.path.join(scratch, "console")

    def image(self, name):
        return os.path.join(self.guests, name + ".elf")

    def read_summary(self):
        with open(self.summary) as file:
            return json.load(file)

    def ours(self, clock, *more):
        return [self.lockstitch, "run", "--clock", clock, "--seed", "1", "--quiet", "--summary", self.summary, *more]

    def commands(self, name):
        """What to run for one benchmark: under Lockstitch, under QEMU."""
        serial = "file:" + self.console
        if name == "debian_boot":
            return (self.ours("virtual", *guest.debian_flags(DEBIAN_APPEND, disk=False), "--serial", serial),
                    [*QEMU, "-kernel", guest.debian_file("vmlinuz"), "-initrd", guest.debian_file("initramfs.cpio"),
                     "-append", DEBIAN_APPEND, "-serial", serial])
        image = self.image(name)
        return self.ours("virtual", "--memory", "512M", "--kernel", image, "--serial", "none"), [*QEMU, "-kernel", image]


def read_header(name):
    """Iterations and instructions per iteration, from the lines that CMake read them from as well."""
    with open(os.path.join(ROOT, "bench/guests", name + ".asm")) as file:
        text = file.read()
    return tuple(int(re.search(rf"^; {key}: (\d+)$", text, re.M).group(1)) for key in ("iterations", "instructions"))


def check_console(bench, name):
    if name != "debian_boot":
        return
    with open(bench.console, "rb") as file:
        if USERLAND not in file.read():
            sys.exit("bench: the Debian guest did not reach its userland")


def measure_speed(bench, names, runs):
    """Per benchmark: CPU seconds of every run of both, in turn, and ticks of ours."""
    results = {}
    for name in ["empty", *names]:
        ours, qemu = bench.commands(name)
        # isa-debug-exit makes 0 written by the guest exit code 1; a power-off is 0.
        qemu_code = 0 if name == "debian_boot" else 1
        times = {"lockstitch": [], "qemu": []}
        for _ in range(runs):
            for who, command, code in (("lockstitch", ours, 0), ("qemu", qemu, qemu_code)):
                cost = run(command, code)
                if cost is None:
                    sys.exit(f"bench: {' '.join(command)} did not finish")
                check_console(bench, name)
                times[who].append(cost["cpu_s"])
        summary = bench.read_summary()
        results[name] = {"cpu_s": times, "ticks": summary["ticks"], "memory": summary["memory"]}
        print(f"bench: {name} done", file=sys.stderr)
    return results


def evaluate(name, result, empty):
    """Medians, without start-up for the loops: there it is no part of the question; a boot is meant whole."""
    whole = name == "debian_boot"
    iterations, instructions = (1, result["ticks"]) if whole else read_header(name)
    row = {"name": name, "bar": BARS[name], "instructions": iterations * instructions}
    for who in ("lockstitch", "qemu"):
        seconds = statistics.median(result["cpu_s"][who]) - (0 if whole else statistics.median(empty["cpu_s"][who]))
        seconds = max(seconds, 1e-6)
        row[who] = {"cpu_s": seconds, "ns_per_iteration": seconds * 1e9 / iterations,
                    "mips": row["instructions"] / seconds / 1e6,
                    "spread": (max(result["cpu_s"][who]) - min(result["cpu_s"][who])) / seconds}
    row["ticks"] = result["ticks"] - (0 if whole else empty["ticks"])
    row["lockstitch"]["mips"] = row["ticks"] / row["lockstitch"]["cpu_s"] / 1e6
    row["ratio"] = row["lockstitch"]["cpu_s"] / row["qemu"]["cpu_s"]
    return row


def print_speed(rows):
    print(f"{'benchmark':13}{'ours':>21}{'qemu -icount':>22}{'CPU time':>11}{'bar':>7}  worst spread")
    print(f"{'':13}{'ns/iteration':>14}{'MIPS':>7}{'ns/iteration':>15}{'MIPS':>7}{'ours/qemu':>11}")
    for row in rows:
        ours, qemu = row["lockstitch"], row["qemu"]
        whole = row["name"] == "debian_boot"
        time_of = (lambda r: f"{r['cpu_s']:.2f} s") if whole else (lambda r: f"{r['ns_per_iteration']:.2f}")
        verdict = "" if row["ratio"] <= row["bar"] else "  missed"
        # QEMU's count of a boot is not known: its firmware runs too.
        qemu_mips = "" if whole else f"{qemu['mips']:.0f}" if qemu["mips"] >= 1 else "<1"
        print(f"{row['name']:13}{time_of(ours):>14}{ours['mips']:>7.0f}{time_of(qemu):>15}{qemu_mips:>7}"
              f"{row['ratio']:>11.3f}{row['bar']:>7.1f}  {max(ours['spread'], qemu['spread']) * 100:.0f} %{verdict}")


def measure_monitor_memory(bench):
    """The monitor's own memory, in MiB, found in two ways.

    touch: a guest that writes to every page of its 64 MiB; the kernel's peak for the process (ru_maxrss) less these 64 MiB.
    debian: the peak of the process over a Debian boot less the guest pages resident at the end, as the summary counts them
    (pages once given to the guest are never returned, so the end is their peak).
    """
    found = {"bar_mib": BAR_MONITOR_MIB}
    cost = run(bench.ours("virtual", "--memory", "64M", "--kernel", bench.image("touch"), "--serial", "none"))
    found["touch_mib"] = cost["max_rss_bytes"] / MIB - 64
    ours, _ = bench.commands("debian_boot")
    cost = run(ours)
    resident = bench.read_summary()["memory"]["guest_resident_bytes"]
    found["debian_mib"] = None if resident is None else (cost["max_rss_bytes"] - resident) / MIB
    return found


def measure_idle(bench, seconds):
    """CPU time of the process over `seconds` of a Debian with a running, unused PostgreSQL; realtime clock.

    In windows of about five seconds, because PostgreSQL is not idle throughout: once a minute its autovacuum looks at a database.
    """
    port, count = guest.free_port(), max(seconds // 5, 1)
    command = bench.ours("realtime", *guest.debian_flags(net=guest.forward(port)), "--serial", "file:" + bench.console)
    with guest.Process(command, seconds + 600) as monitor:
        monitor.wait_ready(bench.console)
        time.sleep(5)  # what follows the start, e.g. PostgreSQL's first checkpoint timer
        samples = [(time.monotonic(), monitor.cpu_s())]
        for _ in range(count):
            time.sleep(seconds / count)
            samples.append((time.monotonic(), monitor.cpu_s()))
        guest.ask_sql(port, guest.POWER_OFF_SQL)
        monitor.wait_end()
    memory = bench.read_summary()["memory"]
    windows = [100 * (cpu - cpu0) / (at - at0) for (at0, cpu0), (at, cpu) in zip(samples, samples[1:])]
    return {"seconds": samples[-1][0] - samples[0][0], "windows_percent": windows, "median_percent": statistics.median(windows),
            "average_percent": statistics.fmean(windows), "bar_percent": BAR_IDLE_PERCENT,
            "monitor_mib": memory["monitor_bytes"] / MIB if memory["monitor_bytes"] else None}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each benchmark under each program (default 5)")
    parser.add_argument("--only", action="append", choices=list(BARS), help="only this benchmark; may be repeated")
    parser.add_argument("--idle-seconds", type=int, default=60, help="how long to watch an idle Debian; 0: not at all (default 60)")
    parser.add_argument("--no-memory", action="store_true", help="leave out the monitor's memory")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), help="build folder (default build/release)")
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    options = parser.parse_args()
    names = options.only or list(BARS)
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(os.path.abspath(options.build), scratch)
        report = {"host": guest.host(), "runs": options.runs}
        print(f"bench: {report['host']['cpu']}, {report['host']['cores']} cores, load {report['host']['load_before']:.1f}; "
              f"median of {options.runs} runs; {report['host']['qemu']}")
        measured = measure_speed(bench, names, options.runs)
        report["speed"] = [evaluate(name, measured[name], measured["empty"]) for name in names]
        report["raw"] = measured
        print_speed(report["speed"])
        for who in ("lockstitch", "qemu"):
            print(f"start-up and end of {who}: {statistics.median(measured['empty']['cpu_s'][who]) * 1000:.0f} ms")
        if not options.no_memory:
            report["memory"] = found = measure_monitor_memory(bench)
            debian = "unknown" if found["debian_mib"] is None else f"{found['debian_mib']:.1f} MiB"
            print(f"monitor's own memory at its peak: {found['touch_mib']:.1f} MiB with a small guest, {debian} over a Debian boot; "
                  f"bar {BAR_MONITOR_MIB} MiB")
        if options.idle_seconds:
            report["idle"] = found = measure_idle(bench, options.idle_seconds)
            print(f"idle Debian with PostgreSQL over {found['seconds']:.0f} s: {found['median_percent']:.1f} % of one core in the median "
                  f"window of 5 s, {found['average_percent']:.1f} % on average, {max(found['windows_percent']):.1f} % at most; "
                  f"bar {BAR_IDLE_PERCENT} %; monitor's own memory {found['monitor_mib'] or 0:.1f} MiB")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=2)
            file.write("\n")


if __name__ == "__main__":
    main()
