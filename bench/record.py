#!/usr/bin/env python3
"""Measures what recording costs, how fast a replay is and how large logs and checkpoints are; then QEMU's record and replay.

bench/README.md says how and how far to trust it. Not here: whether anything is right; but a replay that ends in another
digest than its recording is no measurement.
"""
import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import guest
import qemu_record
from guest import MIB

BAR_OVERHEAD_PERCENT = 5
BAR_SQL_LOSS_PERCENT = 5
BAR_REPLAY_RATIO = 1.0
BAR_BOOT_LOG_KIB = 100
BAR_IDLE_MBIT_PER_S = 0.1
BAR_SQL_LOG_RATIO = 1.2
SQL_WINDOW_S = 4
QEMU_SHIFTS = ["auto", "7"]
PARTS = ["boot-virtual", "boot-realtime", "sql", "idle", "qemu"]
INSERT = "INSERT INTO bench(note) VALUES ('forty letters, as a short note might be');"


class Bench:
    """The program and the place for files."""

    def __init__(self, build, scratch):
        self.lockstitch, self.scratch, self.count = guest.lockstitch_in(build), scratch, 0

    def file(self, name):
        """A path that nobody has used yet."""
        self.count += 1
        return os.path.join(self.scratch, f"{self.count}-{name}")

    def run(self, *flags):
        """Command, summary."""
        summary = self.file("summary.json")
        return [self.lockstitch, "run", *flags, "--quiet", "--summary", summary], summary

    def record(self, *flags):
        """Command, summary, trace."""
        summary, trace = self.file("summary.json"), self.file("trace")
        return [self.lockstitch, "record", *flags, "-o", trace, "--quiet", "--summary", summary], summary, trace

    def replay(self, trace, recorded, *flags):
        """What replaying cost. With no flags it must end as what was recorded."""
        summary = self.file("summary.json")
        cost = guest.run([self.lockstitch, "replay", trace, *flags, "--summary", summary])
        if cost is None:
            raise guest.Failed(f"the replay of {trace} did not finish")
        replayed = read_json(summary)
        for key in ["ticks", "final_digest"] if not flags else []:
            if replayed[key] != recorded[key]:
                raise guest.Failed(f"{key} is {replayed[key]} after the replay of {trace}, but {recorded[key]} was recorded")
        return cost

    def stats(self, trace):
        return json.loads(subprocess.run([self.lockstitch, "trace", "stats", trace, "--json"], capture_output=True, text=True,
                                         check=True, timeout=300).stdout)


def read_json(path):
    with open(path) as file:
        return json.load(file)


def in_turn(run, sides):
    """Both sides of a comparison, the other one first every other time."""
    return sides if run % 2 == 0 else sides[::-1]


def bytes_below(folder):
    """What the files say, what they occupy."""
    said = taken = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.stat(os.path.join(path, name))
            except FileNotFoundError:  # a segment that was sealed meanwhile
                continue
            said, taken = said + status.st_size, taken + status.st_blocks * 512
    return said, taken


def measure_boot(bench, clock, runs):
    """Debian's boot, SQL inside the guest, power-off: run, recorded, replayed."""
    flags = [*guest.debian_flags(guest.APPEND + " lockstitch.sql=1 lockstitch.poweroff=1"), "--clock", clock, "--seed", "1"]
    found = {"run": [], "record": [], "replay": [], "stats": []}
    for run in range(runs):
        for side in in_turn(run, ["run", "record"]):
            console = bench.file("console")
            command, summary, *trace = getattr(bench, side)(*flags, "--serial", "file:" + console)
            cost = guest.run(command)
            with open(console, "rb") as file:
                if cost is None or b"LOCKSTITCH-SQL-OK" not in file.read():
                    raise guest.Failed(f"the guest of {' '.join(command)} did not answer SQL")
            found[side].append({**cost, "ticks": read_json(summary)["ticks"]})
            if trace:
                recorded, folder = read_json(summary), trace[0]
        found["replay"].append(bench.replay(folder, recorded))
        found["stats"].append(bench.stats(folder))
        shutil.rmtree(folder)
    return found


class SqlGuest:
    """A guest and one TCP connection to its PostgreSQL, over which psql inserts rows, each its own transaction."""

    def __init__(self, bench, side, seconds, at_end):
        self.port, self.console, self.answers = guest.free_port(), bench.file("console"), bench.file("answers")
        command, self.summary, *trace = getattr(bench, side)(
            *guest.debian_flags(net=guest.forward(self.port)), "--clock", "realtime", "--seed", "1", "--serial", "file:" + self.console)
        self.trace = trace[0] if trace else None
        self.monitor = at_end.enter_context(guest.Process(command, 900 + 3 * seconds))
        self.windows, self.clients = [], []
        at_end.callback(lambda: [client.kill() for client in self.clients])

    def connect(self):
        self.monitor.wait_ready(self.console)
        guest.ask_sql(self.port, "CREATE TABLE bench(id serial, note text)")
        # psql has one statement under way and writes a line for each answer; `yes` never lets it wait for the next one.
        statements = subprocess.Popen(["yes", INSERT], stdout=subprocess.PIPE)
        self.clients = [subprocess.Popen(guest.psql(self.port), stdin=statements.stdout, stdout=open(self.answers, "wb")), statements]
        time.sleep(2)
        self.clients[0].send_signal(signal.SIGSTOP)

    def answered(self):
        return os.path.getsize(self.answers) // len("INSERT 0 1\n")

    def load(self, seconds):
        self.clients[0].send_signal(signal.SIGCONT)
        time.sleep(0.2)
        begin, cpu_s, count = time.monotonic(), self.monitor.cpu_s(), self.answered()
        time.sleep(seconds)
        wall_s, cpu_s, count = time.monotonic() - begin, self.monitor.cpu_s() - cpu_s, self.answered() - count
        self.clients[0].send_signal(signal.SIGSTOP)
        if count == 0:
            raise guest.Failed("no SQL was answered")
        self.windows.append({"wall_s": wall_s, "cpu_s": cpu_s, "transactions": count})

    def end(self):
        for client in self.clients:
            client.kill()
        guest.ask_sql(self.port, guest.POWER_OFF_SQL)
        cost = self.monitor.wait_end()
        if cost is None:
            raise guest.Failed("a guest with SQL did not end")
        wall_s, cpu_s, count = (sum(window[key] for window in self.windows) for key in ("wall_s", "cpu_s", "transactions"))
        return {**cost, "windows": self.windows, "per_second": count / wall_s, "cpu_s_per_1000": 1000 * cpu_s / count}


def measure_sql(bench, seconds, runs):
    """Two guests at the same time, one of them recorded, loaded alternately: so both meet the same host."""
    found = {"run": [], "record": [], "replay": [], "stats": []}
    count = max(seconds // SQL_WINDOW_S, 1)
    for _ in range(runs):
        with contextlib.ExitStack() as at_end:
            guests = {side: SqlGuest(bench, side, seconds, at_end) for side in ("run", "record")}
            for one in guests.values():
                one.connect()
            for window in range(count):
                for side in in_turn(window, ["run", "record"]):
                    guests[side].load(seconds / count)
            for side, one in guests.items():
                found[side].append(one.end())
        trace = guests["record"].trace
        # The recorded guest waited while the other one worked; that time does not count as its own.
        found["record"][-1]["wall_s"] -= sum(window["wall_s"] for window in guests["run"].windows)
        found["replay"].append(bench.replay(trace, read_json(guests["record"].summary)))
        found["stats"].append(bench.stats(trace))
        shutil.rmtree(trace)
    return found


def take_checkpoint(bench, monitor, trace):
    """One checkpoint, asked for from outside: bytes by which the folder grew, CPU and wall time until it was there."""
    folder = os.path.join(trace, "checkpoints")
    complete = lambda: [name for name in os.listdir(folder) if name.endswith(".checkpoint")] if os.path.isdir(folder) else []
    before, (said, taken), cpu_s, begin = set(complete()), bytes_below(folder), monitor.cpu_s(), time.monotonic()
    subprocess.run([bench.lockstitch, "checkpoint", trace], check=True, timeout=120, capture_output=True)
    while not set(complete()) - before:
        if time.monotonic() - begin > 120:
            raise guest.Failed("no checkpoint came")
        time.sleep(0.01)
    wall_s = time.monotonic() - begin
    time.sleep(1)  # what is still compressed behind the guest's back belongs to it as well
    cpu_s, (said_after, taken_after) = monitor.cpu_s() - cpu_s, bytes_below(folder)
    return {"bytes": said_after - said, "disk_bytes": taken_after - taken, "wall_s": wall_s, "cpu_s": cpu_s,
            "tick": int(min(set(complete()) - before).removesuffix(".checkpoint"))}


def measure_idle(bench, seconds, runs):
    """Two checkpoints of an idle guest, then its log over a window that ends with a third; then the replay."""
    found = []
    for _ in range(runs):
        port, console = guest.free_port(), bench.file("console")
        command, summary, trace = bench.record(*guest.debian_flags(net=guest.forward(port)), "--clock", "realtime", "--seed", "1",
                                               "--serial", "file:" + console, "--checkpoint-every", "none")
        with guest.Process(command, 600 + seconds) as monitor:
            monitor.wait_ready(console)
            time.sleep(5)
            first = take_checkpoint(bench, monitor, trace)
            time.sleep(5)
            second = take_checkpoint(bench, monitor, trace)
            log = os.path.join(trace, "log")
            begin, cpu_s, (said, _) = time.monotonic(), monitor.cpu_s(), bytes_below(log)
            time.sleep(seconds)
            window_s, cpu_s, written = time.monotonic() - begin, monitor.cpu_s() - cpu_s, bytes_below(log)[0] - said
            open_bytes, last = bytes_below(log)[0], take_checkpoint(bench, monitor, trace)
            guest.ask_sql(port, guest.POWER_OFF_SQL)
            cost = monitor.wait_end()
        if cost is None:
            raise guest.Failed("the idle guest did not end")
        recorded, stats = read_json(summary), bench.stats(trace)
        one = {"window_s": window_s, "window_cpu_s": cpu_s, "window_log_bytes": written, "open_log_bytes": open_bytes,
               "checkpoints": [first, second, last], "record": cost, "recording": recorded["recording"], "stats": stats,
               "replay": bench.replay(trace, recorded)}
        for name, end in (("window_begin", second["tick"] + 1), ("window", last["tick"])):
            one["replay_" + name] = bench.replay(trace, recorded, "--from", str(second["tick"]), "--to", str(end))
        found.append(one)
        shutil.rmtree(trace)
    return found


def evaluate(report):
    """Every figure with its bar; lower is better everywhere."""
    figures = []

    def add(name, unit, samples, bar=None, value=None):
        samples = [sample for sample in samples if sample is not None]
        if samples or value is not None:
            value = statistics.median(samples) if value is None else value
            figures.append({"name": name, "value": value, "unit": unit, "bar": bar, "samples": samples,
                            "verdict": None if bar is None else "held" if value <= bar else "missed"})

    def of(rows, key):
        return [row[key] for row in rows]

    def ratio(above, below, key):
        return statistics.median(of(above, key)) / statistics.median(of(below, key))

    def absolute(name, found, sides):
        for side in sides:
            add(f"{name}: {side}, CPU time", "s", [cost["cpu_s"] for cost in found[side] if cost])

    def compare(name, found):
        absolute(name, found, ["run", "record", "replay"])
        for key, kind, bar in (("cpu_s", "CPU", BAR_OVERHEAD_PERCENT), ("wall_s", "wall", None)):
            add(f"{name}: recording costs more {kind} time by", "%", [100 * (r[key] / s[key] - 1) for r, s in zip(found["record"], found["run"])],
                bar, 100 * (ratio(found["record"], found["run"], key) - 1))
        replays(name, found)

    def replays(name, found):
        for key, kind in (("cpu_s", "CPU"), ("wall_s", "wall")):
            add(f"{name}: replay / recording, {kind} time", "", [r[key] / s[key] for r, s in zip(found["replay"], found["record"])],
                BAR_REPLAY_RATIO, ratio(found["replay"], found["record"], key))

    for clock in ("virtual", "realtime"):
        found = report.get("boot-" + clock)
        if found:
            compare("boot, " + clock, found)
            add(f"boot, {clock}: log", "KiB", [s["log_bytes"] / 1024 for s in found["stats"]], BAR_BOOT_LOG_KIB)
    found = report.get("sql")
    if found:
        # Of neighbouring windows, so that most of what else the host does falls out.
        def of_windows(value_of):
            return [[value_of(r) / value_of(s) for r, s in zip(record["windows"], run["windows"])]
                    for record, run in zip(found["record"], found["run"])]

        rates = of_windows(lambda window: window["transactions"] / window["wall_s"])
        add("SQL: transactions lost per second by recording", "%", [100 * (1 - statistics.median(run)) for run in rates],
            BAR_SQL_LOSS_PERCENT, 100 * (1 - statistics.median(sum(rates, []))))
        costs = of_windows(lambda window: window["cpu_s"] / window["transactions"])
        add("SQL: a transaction's CPU time grows by", "%", [100 * (statistics.median(run) - 1) for run in costs],
            value=100 * (statistics.median(sum(costs, [])) - 1))
        for side in ("run", "record"):
            add(f"SQL, {side}: transactions per second", "/s", of(found[side], "per_second"))
            add(f"SQL, {side}: CPU time for 1000 transactions", "s", of(found[side], "cpu_s_per_1000"))
        replays("SQL", found)
        add("SQL: log / payload received from the network", "", [s["log_bytes"] / s["input_bytes_by_port"]["net0"] for s in found["stats"]],
            BAR_SQL_LOG_RATIO)
        add("SQL: log", "MiB", [s["log_bytes"] / MIB for s in found["stats"]])
    found = report.get("idle")
    if found:
        add("idle: log as written", "Mbit/s", [8e-6 * i["window_log_bytes"] / i["window_s"] for i in found], BAR_IDLE_MBIT_PER_S)
        add("idle: log when sealed, by its share", "Mbit/s", [8e-6 * i["window_log_bytes"] / i["window_s"] * i["stats"]["log_bytes"] /
                                                              i["open_log_bytes"] for i in found])
        add("idle: recording's CPU time", "% of a core", [100 * i["window_cpu_s"] / i["window_s"] for i in found])
        add("idle: replay of an hour, wall time", "s", [3600 * (i["replay_window"]["wall_s"] - i["replay_window_begin"]["wall_s"]) /
                                                      i["window_s"] for i in found])
        replays("idle", {key: [i[key] for i in found] for key in ("replay", "record")})
        for number, name in enumerate(["first", "next"]):
            samples = [i["checkpoints"][number] for i in found]
            add(f"checkpoint, {name}: on disk", "MiB", [s["disk_bytes"] / MIB for s in samples])
            add(f"checkpoint, {name}: until it was there", "s", of(samples, "wall_s"))
            add(f"checkpoint, {name}: CPU time", "s", of(samples, "cpu_s"))
        add("checkpoints, three together: guest stood still", "s", [i["recording"]["checkpoint_pause_seconds"] for i in found])
    for shift, found in report.get("qemu", {}).items():
        name = f"QEMU, boot, shift={shift}"
        absolute(name, found, ["plain", "record", "replay"])
        for above, below in (("record", "plain"), ("replay", "record")):
            for key, kind in (("cpu_s", "CPU"), ("wall_s", "wall")):
                pairs = [(a[key], b[key]) for a, b in zip(found[above], found[below]) if a and b]
                add(f"{name}: {above} / {below}, {kind} time", "", [a / b for a, b in pairs])
            if None in found[above]:
                add(f"{name}: {above}s that did not finish", f"of {len(found[above])}", [found[above].count(None)])
        add(f"{name}: log", "KiB", [size / 1024 for size in found["log_bytes"] if size])
        if False in found["same_console"]:
            add(f"{name}: replays with another console", f"of {len(found['same_console'])}", [found["same_console"].count(False)])
    return figures


def print_figures(figures):
    print(f"{'':58}{'median':>12} {'':12}{'bar':>6}  {'lowest':>10} {'highest':>10}")
    for f in figures:
        bar = "" if f["bar"] is None else f"{f['bar']:g}"
        spread = f"{min(f['samples']):>10.3f} {max(f['samples']):>10.3f}" if f["samples"] else ""
        print(f"{f['name']:58}{f['value']:>12.3f} {f['unit']:12}{bar:>6}  {spread}{'  missed' if f['verdict'] == 'missed' else ''}")


def measure(part, bench, options):
    if part == "sql":
        return measure_sql(bench, options.sql_seconds, options.runs)
    if part == "idle":
        return measure_idle(bench, options.idle_seconds, options.runs)
    if part == "qemu":
        return {shift: qemu_record.measure(bench.file, shift, options.runs, options.timeout) for shift in QEMU_SHIFTS}
    return measure_boot(bench, part.removeprefix("boot-"), options.runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="runs of everything (default 3)")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--sql-seconds", type=int, default=20, help="how long SQL is counted (default 20)")
    parser.add_argument("--idle-seconds", type=int, default=60, help="how long the idle guest is watched (default 60)")
    parser.add_argument("--timeout", type=int, default=300, help="after how many seconds QEMU did not finish (default 300)")
    parser.add_argument("--build", default=os.path.join(guest.ROOT, "build/release"), help="build folder (default build/release)")
    parser.add_argument("--scratch", metavar="DIR", help="an existing folder for traces; what failed is left there")
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    options = parser.parse_args()
    report = {"host": guest.host(), "runs": options.runs}
    with contextlib.ExitStack() as at_end:
        bench = Bench(options.build, options.scratch or at_end.enter_context(tempfile.TemporaryDirectory()))
        print(f"bench: {report['host']['cpu']}, {report['host']['cores']} cores, load {report['host']['load_before']:.1f}; "
              f"median of {options.runs} runs; {report['host']['qemu']}", flush=True)
        for part in options.only or PARTS:
            begin = time.monotonic()
            try:
                report[part] = measure(part, bench, options)
                print(f"bench: {part} done after {time.monotonic() - begin:.0f} s", file=sys.stderr)
            except guest.Failed as failure:
                report.setdefault("failed", {})[part] = str(failure)
                print(f"bench: {part} failed: {failure}", file=sys.stderr)
    report["host"]["load_after"] = os.getloadavg()[0]
    report["figures"] = evaluate(report)
    print_figures(report["figures"])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
    sys.exit(1 if "failed" in report else 0)


if __name__ == "__main__":
    main()
