#!/usr/bin/env python3
"""Measures going back in a recording of a busy Debian with PostgreSQL, and tries the same with QEMU's reverse debugging.

bench/README.md says how and how far to trust it. The debugger is bench/remote.py: what gdb itself takes is not in the times.
"""
import argparse
import contextlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import guest
from pair_parts import percentile
from record import print_figures
from remote import Remote

BAR_STEP_MS = 100
BAR_GOTO_S = 1
BAR_FIND_RATIO = 0.5
BUSY = "INSERT INTO busy SELECT g, md5(g::text) FROM generate_series(1, 300) g; SELECT count(*) FROM busy; " \
       "DELETE FROM busy WHERE n % 3 = 0;"


def record_busy(build, folder, seconds):
    """A trace of a guest that works through SQL from the host for so long."""
    trace, port, console = os.path.join(folder, "trace"), guest.free_port(), os.path.join(folder, "console")
    command = [guest.lockstitch_in(build), "record", "-o", trace, *guest.debian_flags(net=guest.forward(port)), "--serial",
               f"file:{console}", "--checkpoint-every", "0s", "--quiet"]
    with guest.Process(command, seconds * 4 + 120) as monitor:
        monitor.wait_ready(console)
        guest.ask_sql(port, "CREATE TABLE busy (n int, text text)")
        session = subprocess.Popen(guest.psql(port, "-q"), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            session.stdin.write(f"{BUSY}\n".encode())
            session.stdin.flush()
            time.sleep(0.02)
        session.kill()
        session.wait()
        with contextlib.suppress(subprocess.CalledProcessError):
            guest.ask_sql(port, guest.POWER_OFF_SQL)
        monitor.wait_end()
    return trace


class Replay:
    def __init__(self, build, trace, folder, *flags):
        self.socket = os.path.join(folder, "gdb")
        self.process = subprocess.Popen([guest.lockstitch_in(build), "replay", trace, "--gdb", f"unix:{self.socket}", *flags],
                                        stderr=subprocess.DEVNULL)
        self.remote = Remote(self.socket, 600)

    def __enter__(self):
        return self.remote

    def __exit__(self, *_):
        self.remote.close()
        self.process.kill()
        self.process.wait()


def measure_ours(build, folder, options):
    trace = record_busy(build, folder, options.seconds)
    found = {"plain_s": [], "attached_s": [], "goto_s": [], "step_ms": [], "find_s": [], "back_s": [], "again_s": []}
    plain = [guest.lockstitch_in(build), "replay", trace, "--quiet"]
    for _ in range(options.runs):
        found["plain_s"].append(guest.run(plain)["wall_s"])
        with Replay(build, trace, folder, "--gdb-memory", "2G") as remote:
            took, answer = remote.timed("c")
            if "replaylog:end" not in answer:
                raise guest.Failed(f"the recording did not end as it should: {answer}")
            found["attached_s"].append(took)
            end = remote.tick()
            found["ticks"] = end
            found["marks"] = re.search(r"(\d+) marks hold (\d+) MiB", remote.monitor("when")[1]).groups()
            # What was written last by the loader: everything between has to be looked through.
            lstar = int(re.search(r"text (0x[0-9a-f]+)", remote.monitor("linux-base")[1]).group(1), 16)
            took, text = remote.monitor(f"find-write {lstar:#x}")
            found["find_s"].append(took)
            found["found"] = text.splitlines()[0]
            remote.monitor("goto end")
            remote.ask("Z1,dead0000,1")
            took, _ = remote.timed("bc")
            found["back_s"].append(took)
            remote.ask("z1,dead0000,1")
            for _ in range(options.places):
                took, _ = remote.monitor(f"goto {random.randrange(end)}")
                found["goto_s"].append(took)
                for _ in range(options.steps):
                    took, _ = remote.timed("bs")
                    found["step_ms"].append(1000 * took)
    return found


def measure_qemu(folder, options):
    """`rr=record` with a snapshot, `rr=replay`, and then back by steps. None: it did not get there."""
    if shutil.which("qemu-img") is None or shutil.which("qemu-system-x86_64") is None:
        return {"step_ms": [], "why": "qemu-system-x86 and qemu-utils are not installed"}
    disk, log, console = (os.path.join(folder, name) for name in ("snapshots.qcow2", "rr", "qemu-console"))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "2G"], check=True)
    port = guest.free_port()

    def command(mode, *more):
        return ["qemu-system-x86_64", "-machine", "pc", "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16", "-m", "512", "-nodefaults",
                "-display", "none", "-no-reboot", "-net", "none", "-accel", "tcg", "-serial", "file:" + console, "-kernel",
                guest.debian_file("vmlinuz"), "-initrd", guest.debian_file("initramfs.cpio"), "-append",
                guest.APPEND + " lockstitch.stop=userland", "-drive", f"file={disk},format=qcow2,if=none,id=snapshots",
                "-icount", f"shift=auto,rr={mode},rrfile={log},rrsnapshot=start", *more]

    found = {"record_s": None, "replay_s": None, "step_ms": []}
    cost = guest.run(command("record"), timeout_s=options.patience)
    if cost is None:
        return {**found, "why": "recording with a snapshot did not end"}
    found["record_s"] = cost["wall_s"]
    replay = subprocess.Popen(command("replay", "-gdb", f"tcp:127.0.0.1:{port}", "-S"), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        remote = Remote(port, options.patience)
        remote.send("c")
        time.sleep(3)
        remote.interrupt()
        remote.packet()
        for _ in range(options.qemu_steps):
            took, _ = remote.timed("bs")
            found["step_ms"].append(1000 * took)
    except (OSError, ConnectionError, TimeoutError) as failure:
        found["why"] = f"stepping back: {type(failure).__name__}: {failure}"
    finally:
        replay.kill()
        replay.wait()
    return found


def figure(name, unit, samples, value=None, bar=None, least=False):
    value = statistics.median(samples) if value is None else value
    held = None if bar is None else (value >= bar if least else value <= bar)
    return {"name": name, "value": value, "unit": unit, "bar": bar, "samples": samples, "verdict": {None: None, True: "held", False: "missed"}[held]}


def evaluate(ours, qemu):
    figures = [
        figure("replay without a debugger", "s", ours["plain_s"]),
        figure("the same with gdb attached", "s", ours["attached_s"]),
        figure("attached costs", "%", [], 100 * (statistics.median(ours["attached_s"]) / statistics.median(ours["plain_s"]) - 1)),
        figure("reverse-stepi p50", "ms", ours["step_ms"], percentile(ours["step_ms"], 50)),
        figure("reverse-stepi p99", "ms", ours["step_ms"], percentile(ours["step_ms"], 99), BAR_STEP_MS),
        figure("goto a random tick p50", "s", ours["goto_s"], percentile(ours["goto_s"], 50)),
        figure("goto a random tick, slowest", "s", ours["goto_s"], max(ours["goto_s"]), BAR_GOTO_S),
        figure("find-write over the whole recording", "s", ours["find_s"]),
        figure("its speed / replay's", "", [p / f for p, f in zip(ours["plain_s"], ours["find_s"])], None, BAR_FIND_RATIO, True),
        figure("reverse-continue over all of it, nothing met", "s", ours["back_s"]),
        figure("its speed / replay's", "", [p / f for p, f in zip(ours["plain_s"], ours["back_s"])]),
    ]
    if qemu and qemu["step_ms"]:
        figures += [figure("QEMU: reverse-stepi", "ms", qemu["step_ms"]),
                    figure("QEMU / ours", "", [], statistics.median(qemu["step_ms"]) / percentile(ours["step_ms"], 50))]
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often all of ours is done (default 3)")
    parser.add_argument("--seconds", type=int, default=60, help="how long the guest works (default 60)")
    parser.add_argument("--places", type=int, default=20, help="random ticks that are gone to in each run (default 20)")
    parser.add_argument("--steps", type=int, default=50, help="steps back from each (default 50)")
    parser.add_argument("--qemu-steps", type=int, default=5, help="steps back in QEMU; 0: leave it out (default 5)")
    parser.add_argument("--patience", type=int, default=120, help="how long QEMU may take for one answer, in s (default 120)")
    parser.add_argument("--build", default=os.path.join(guest.ROOT, "build/release"), help="build folder (default build/release)")
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    options = parser.parse_args()
    random.seed(1)
    report = {"host": guest.host(), "options": vars(options), "qemu": None}
    print(f"bench: {report['host']['cpu']}, load {report['host']['load_before']:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report["ours"] = measure_ours(options.build, folder, options)
        if options.qemu_steps > 0:
            report["qemu"] = measure_qemu(folder, options)
    marks, mib = report["ours"]["marks"]
    print(f"bench: {report['ours']['ticks']} ticks; {marks} marks hold {mib} MiB after one run through; {report['ours']['found']}")
    if report["qemu"] and "why" in report["qemu"]:
        print(f"bench: QEMU: {report['qemu']['why']}")
    report["figures"] = evaluate(report["ours"], report["qemu"])
    print_figures(report["figures"])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
