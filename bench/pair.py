#!/usr/bin/env python3
"""Measures what protecting a guest costs and how fast the pair reacts, against the same guest unprotected in the same run.

bench/README.md says how and how far to trust it. Not here: whether a pair survives everything (tests/e2e/pair does that); but
a transaction that is lost voids a measurement.
"""
import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import guest
import pair_parts
import pair_stage
from pair_parts import percentile
from record import print_figures

BAR_SQL_LOSS_PERCENT = 10
BAR_CPU_SLOWER_PERCENT = 5
BAR_IDLE_MBIT_PER_S = 0.1
BAR_LOG_RATIO = 1.2
BAR_ADDED_MS = 1.0
BAR_DETECTION_MS = 50
BAR_SILENCE_MS = 500
BAR_GAP_MS = 1000
BAR_BLACKOUT_MS = 300
PLACEMENT = {"own": "own core", "shared": "shared"}


class Figures(list):
    def add(self, name, unit, samples, bar=None, value=None):
        if not samples and value is None:
            return
        value = statistics.median(samples) if value is None else value
        self.append({"name": name, "value": value, "unit": unit, "bar": bar, "samples": list(samples),
                     "verdict": None if bar is None else "held" if value <= bar else "missed"})


def paired_rows(rows, placement):
    """The two sides of each run."""
    of = {side: {r["run"]: r for r in rows if r["side"] == side and r["placement"] == placement} for side in ("plain", "pair")}
    return [(of["plain"][run], of["pair"][run]) for run in of["pair"]]


def evaluate_sql(figures, found):
    for placement in PLACEMENT:
        both = paired_rows(found["windows"], placement)
        if not both:
            continue
        name = f"SQL, {PLACEMENT[placement]}"
        figures.add(f"{name}: transactions lost per second", "%", [100 * (1 - q["per_second"] / p["per_second"]) for p, q in both],
                    BAR_SQL_LOSS_PERCENT if placement == "own" else None)
        for index, side in enumerate(("unprotected", "protected")):
            for key, text, unit in (("per_second", "transactions", "/s"), ("p50_ms", "latency p50", "ms"), ("p99_ms", "latency p99", "ms"),
                                    ("cpu_ms_each", "CPU time each", "ms"), ("core_cpu_ms_each", "of that, the guest's thread", "ms")):
                figures.add(f"{name}, {side}: {text}", unit, [b[index][key] for b in both])
        figures.add(f"{name}, follower: CPU time each", "ms", [q["follower_cpu_ms_each"] for _, q in both])


def evaluate_cpu(figures, found):
    for placement in PLACEMENT:
        both = paired_rows(found, placement)
        if not both:
            continue
        name = f"computing, {PLACEMENT[placement]}"
        figures.add(f"{name}: slower by", "%", [100 * (q["ms"] / p["ms"] - 1) for p, q in both],
                    BAR_CPU_SLOWER_PERCENT if placement == "own" else None)
        figures.add(f"{name}: more CPU time of the leader by", "%", [100 * (q["cpu_s"] / p["cpu_s"] - 1) for p, q in both])
        # Whatever else the host does only makes a run longer.
        figures.add(f"{name}: fastest slower by", "%", [], value=100 * (min(q["ms"] for _, q in both) / min(p["ms"] for p, _ in both) - 1))
        for index, side in enumerate(("unprotected", "protected")):
            figures.add(f"{name}, {side}", "ms", [b[index]["ms"] for b in both])
            figures.add(f"{name}, {side}: CPU time", "ms", [1000 * b[index]["cpu_s"] for b in both])
        figures.add(f"{name}: follower's lag right after", "ms", [q["lag_ms_after"] for _, q in both])


def evaluate_log(figures, found):
    idle, load = found["idle"], found["load"]
    figures.add("idle: log", "Mbit/s", [8e-6 * idle["log_bytes"] / idle["at_s"]], BAR_IDLE_MBIT_PER_S)
    figures.add("idle: log messages", "/s", [idle["log_messages"] / idle["at_s"]])
    figures.add("idle: on the link, from the leader", "Mbit/s", [8e-6 * idle["wire_sent"] / idle["at_s"]], BAR_IDLE_MBIT_PER_S)
    figures.add("idle: on the link, from the follower", "Mbit/s", [8e-6 * idle["wire_received"] / idle["at_s"]])
    figures.add("SQL: log / bytes that the guest received", "", [w["log_bytes"] / w["guest_sent"] for w in load], BAR_LOG_RATIO)
    figures.add("SQL: log for each transaction", "bytes", [w["log_bytes"] / w["transactions"] for w in load])
    figures.add("SQL: received by the guest for each transaction", "bytes", [w["guest_sent"] / w["transactions"] for w in load])
    figures.add("SQL: log messages for each transaction", "", [w["log_messages"] / w["transactions"] for w in load])
    figures.add("SQL: on the link from the leader, each", "bytes", [w["wire_sent"] / w["transactions"] for w in load])


def evaluate_round_trip(figures, found):
    for one in found:
        name = PLACEMENT[one["placement"]] + (f", link delayed {one['delay_ms']} ms" if one["delay_ms"] else "")
        link_ms = statistics.median(one["link_tcp"])
        figures.add(f"link, {name}: TCP round trip", "ms", one["link_tcp"])
        figures.add(f"link, {name}: ICMP round trip", "ms", one["link_ping"])
        for kind in ("ping", "select", "insert"):
            for side, text in (("plain", "unprotected"), ("pair", "protected")):
                figures.add(f"{kind}, {name}, {text}", "ms", one[kind][side])
            added = [q - p for p, q in zip(one[kind]["plain"], one[kind]["pair"])]
            figures.add(f"{kind}, {name}: median added", "ms", added, round(link_ms + BAR_ADDED_MS, 3) if one["placement"] == "own" else None,
                        statistics.median(one[kind]["pair"]) - statistics.median(one[kind]["plain"]))


def evaluate_lag(figures, found):
    for placement, one in found["placements"].items():
        for key, text in (("lag_ms", "lag"), ("log_round_trip_ms", "log round trip")):
            for percent in (50, 99):
                figures.add(f"SQL, {PLACEMENT[placement]}: {text} p{percent}", "ms", one[key], value=percentile(one[key], percent))


def evaluate_kills(figures, found):
    for fault, text, bar in (("kill", "SIGKILL", BAR_DETECTION_MS), ("stop", "SIGSTOP", BAR_SILENCE_MS),
                             ("cut", "killed behind a cut link", BAR_SILENCE_MS)):
        kills = [k for k in found["kills"] if k["fault"] == fault]
        if not kills:
            continue
        text = f"{text}, {len(kills)} times"
        for percent in (50, 99):
            figures.add(f"{text}: noticed p{percent}", "ms", [k["claiming_ms"] for k in kills], bar,
                        percentile([k["claiming_ms"] for k in kills], percent))
        figures.add(f"{text}: arbiter agreed", "ms", [k["alone_ms"] for k in kills])
        figures.add(f"{text}: taken over", "ms", [k["took_over_event_ms"] for k in kills])
        for percent in (50, 99):
            figures.add(f"{text}: client's gap p{percent}", "ms", [k["gap_ms"] for k in kills], BAR_GAP_MS if percent == 99 else None,
                        percentile([k["gap_ms"] for k in kills], percent))
        figures.add(f"{text}: redundant again after restart", "s", [k["redundant_after_s"] for k in kills])
    figures.add("kills: transactions lost", "", [a["lost"] for a in found["accounts"]], 0, sum(a["lost"] for a in found["accounts"]))
    figures.add("kills: transactions duplicated", "", [a["duplicated"] for a in found["accounts"]], 0,
                sum(a["duplicated"] for a in found["accounts"]))


def evaluate_join(figures, found):
    for kind, text in (("same", "disk as it was left"), ("empty", "empty disk"), ("other", "disk all different")):
        joins = [j for j in found["joins"] if j["disk"] == kind]
        figures.add(f"join, {text}: guest stood still", "ms", [j["blackout_ms"] for j in joins], BAR_BLACKOUT_MS)
        figures.add(f"join, {text}: client's longest gap", "ms", [j["gap_ms"] for j in joins])
        figures.add(f"join, {text}: from start to pair", "s", [j["seconds"] for j in joins])
        figures.add(f"join, {text}: sent", "MiB", [j["sent_bytes"] / guest.MIB for j in joins])
        figures.add(f"join, {text}: transactions meanwhile", "/s", [j["per_second"] for j in joins])


EVALUATE = {"sql": evaluate_sql, "cpu": evaluate_cpu, "log": evaluate_log, "round-trip": evaluate_round_trip, "lag": evaluate_lag,
            "kills": evaluate_kills, "join": evaluate_join}


@contextlib.contextmanager
def limit(seconds, what):
    def give_up(*_):
        raise guest.Failed(f"{what} did not end within {seconds} s")
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(int(seconds))
    try:
        yield
    finally:
        signal.alarm(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="how often everything is done but kills (default 5)")
    parser.add_argument("--only", action="append", choices=pair_parts.PARTS, help="only this part; may be repeated")
    parser.add_argument("--seconds", type=int, default=4, help="a window of SQL (default 4)")
    parser.add_argument("--idle-seconds", type=int, default=60, help="how long the idle pair is watched (default 60)")
    parser.add_argument("--samples", type=int, default=160, help="round trips of each kind (default 160)")
    parser.add_argument("--rate", type=int, default=20, help="round trips a second (default 20)")
    parser.add_argument("--kills", type=int, default=20, help="how often a leader is killed (default 20; 100 for the whole)")
    parser.add_argument("--silences", type=int, default=6, help="how often one falls silent instead (default 6)")
    parser.add_argument("--build", default=os.path.join(guest.ROOT, "build/release"), help="build folder (default build/release)")
    parser.add_argument("--scratch", metavar="DIR", help="an existing folder for disks and events, which are left there")
    parser.add_argument("--json", metavar="FILE", help="write all numbers there")
    options = parser.parse_args()
    problem = pair_stage.network.enter_or_explain()
    if problem is not None:
        print(f"bench: {problem}", file=sys.stderr)
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    guest.lockstitch_in(options.build)
    for name in ("vmlinuz", "initramfs.cpio", "disk.img"):
        guest.debian_file(name)
    report = {"host": guest.host(), "options": vars(options)}
    cores = len(os.sched_getaffinity(0))
    print(f"bench: {report['host']['cpu']}, load {report['host']['load_before']:.1f}. Both replicas, the unprotected guest, the clients and "
          f"the wire share {cores} cores. `own core`: the follower alone on the second, everything else on the first; `shared`: "
          f"everything on all.", flush=True)
    with contextlib.ExitStack() as at_end:
        scratch = options.scratch or at_end.enter_context(tempfile.TemporaryDirectory())
        for part in options.only or pair_parts.PARTS:
            begin = time.monotonic()
            seconds = 200 + 30 * options.runs + (20 * (options.kills + options.silences) if part == "kills" else 0) + options.idle_seconds
            try:
                with limit(seconds, part), pair_stage.Stage(options.build, scratch, part in pair_parts.BESIDE) as stage:
                    report[part] = pair_parts.PARTS[part](stage, options)
                print(f"bench: {part} done after {time.monotonic() - begin:.0f} s, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
            except (guest.Failed, RuntimeError, OSError, AssertionError, ValueError, LookupError, TypeError, statistics.StatisticsError,
                    subprocess.SubprocessError) as failure:
                report.setdefault("failed", {})[part] = f"{type(failure).__name__}: {failure}"
                print(f"bench: {part} failed: {failure}", file=sys.stderr)
    report["host"]["load_after"] = os.getloadavg()[0]
    report["figures"] = Figures()
    for part, evaluate in EVALUATE.items():
        if part in report:
            evaluate(report["figures"], report[part])
    print_figures(report["figures"])
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
    return 1 if "failed" in report else 0


if __name__ == "__main__":
    sys.exit(main())
