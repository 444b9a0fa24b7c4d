"""The parts of the benchmark of a pair: each takes a stage and the options and returns raw numbers. Not here: bars."""
import os
import signal
import time

import guest
import pair_stage
from pair_stage import Ping, Session, demo, pairs

CPU_STATEMENT = "SELECT count(md5(md5(i::text))) FROM (SELECT generate_series(1, 12000) i) s;"
INSERT = "INSERT INTO bench(note) VALUES ('forty letters, as a short note might be');"
SETTLE_S = 0.3
PATIENCE_S = 120


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


def in_turn(run, sides):
    return list(sides) if run % 2 == 0 else list(sides)[::-1]


def checked(client):
    """Ends the stream. What is not in the table as it was acknowledged makes every figure void."""
    account = client.finish()
    if account["lost"] or account["duplicated"] or account["connections_broken"]:
        raise guest.Failed(f"the ledger is wrong: {account}")
    return account


def cpu_s(side):
    return guest.process_cpu_seconds(side.guest_process().pid)


def core_cpu_s(side):
    """Of the thread that executes the guest, which is the first one."""
    pid = side.guest_process().pid
    return guest.process_cpu_seconds(f"{pid}/task/{pid}")


def measure_sql(stage, options):
    """`ledger run` at both guests, one stopped while the other works; windows by the histories' own times."""
    clients = {name: demo.Client(side.lab, side) for name, side in stage.sides.items()}
    for client in clients.values():
        client.wait_for(50)
        client.process.send_signal(signal.SIGSTOP)
    windows = []
    for placement in stage.placements():
        stage.place(placement)
        for run in range(options.runs):
            for name in in_turn(run, clients):
                side, client = stage.sides[name], clients[name]
                follower = stage.pair.processes[pairs.OTHER[stage.pair.leader()]].pid
                client.process.send_signal(signal.SIGCONT)
                time.sleep(SETTLE_S)
                before = cpu_s(side), core_cpu_s(side), guest.process_cpu_seconds(follower)
                begin_ns = time.monotonic_ns()
                time.sleep(options.seconds)
                end_ns = time.monotonic_ns()
                spent = [b - a for a, b in zip(before, (cpu_s(side), core_cpu_s(side), guest.process_cpu_seconds(follower)))]
                client.process.send_signal(signal.SIGSTOP)
                windows.append({"placement": placement, "run": run, "side": name, "begin_ns": begin_ns, "end_ns": end_ns,
                                **dict(zip(("cpu_s", "core_cpu_s", "follower_cpu_s"), spent))})
                time.sleep(SETTLE_S)
    accounts = {}
    for name, client in clients.items():
        client.process.send_signal(signal.SIGCONT)
        client.wait_for(1)
        time.sleep(SETTLE_S)
        acks = client.acknowledged()
        accounts[name] = checked(client)
        for window in windows:
            if window["side"] == name:
                inside = [(acked - sent) / 1e6 for sent, acked in acks if sent >= window["begin_ns"] and acked <= window["end_ns"]]
                if len(inside) < 10:
                    raise guest.Failed(f"only {len(inside)} transactions in a window")
                seconds = (window["end_ns"] - window["begin_ns"]) / 1e9
                window.update(per_second=len(inside) / seconds, p50_ms=percentile(inside, 50), p99_ms=percentile(inside, 99),
                              **{f"{key}_ms_each": 1000 * window[f"{key}_s"] / len(inside) for key in ("cpu", "core_cpu", "follower_cpu")})
    return {"windows": windows, "accounts": accounts}


def measure_cpu(stage, options):
    """One long statement, now here, now there, twice in each run."""
    found = []
    for placement in stage.placements():
        stage.place(placement)
        for run in range(-1, 2 * options.runs):  # the first one warms up
            for name in in_turn(run, stage.sides):
                side = stage.sides[name]
                before, session = cpu_s(side), Session(side)
                session.ask(CPU_STATEMENT)
                took_ms = session.finish(PATIENCE_S)[0]
                if run >= 0:
                    status = stage.pair.status(stage.pair.leader())
                    found.append({"placement": placement, "run": run, "side": name, "ms": took_ms, "cpu_s": cpu_s(side) - before,
                                  "lag_ms_after": status["lag_ms"]})
                time.sleep(SETTLE_S)
    return found


def log_window(stage, seconds):
    """What the log and the link carried meanwhile."""
    leader = stage.pair.wait_paired()

    def look():
        status = stage.pair.status(leader)
        return {"at_s": time.monotonic(), "log_bytes": status["log_bytes"], "log_messages": status["log_messages"],
                **{f"wire_{key}": value for key, value in stage.counters(leader, "sync0").items()},
                **{f"guest_{key}": value for key, value in stage.counters(leader, "guest0").items()}}
    before = look()
    time.sleep(seconds)
    after = look()
    return {key: after[key] - before[key] for key in before}


def measure_log(stage, options):
    stage.place(stage.placements()[0])
    time.sleep(5)
    idle = log_window(stage, options.idle_seconds)
    client = demo.Client(stage.pair.lab, stage.pair)
    client.wait_for(100)
    loads = []
    for _ in range(options.runs):
        before, begin_ns = len(client.acknowledged()), time.monotonic_ns()
        load = log_window(stage, options.seconds)
        time.sleep(SETTLE_S)  # for the history
        end_ns = begin_ns + 1e9 * load["at_s"]
        loads.append({**load, "transactions": sum(begin_ns <= acked <= end_ns for _, acked in client.acknowledged()[before:])})
    return {"idle": idle, "load": loads, "account": checked(client)}


def probe(stage, kind, count, rate):
    """`count` round trips to each guest, alternately, `rate` a second to each. Unit: ms."""
    def make(side):
        if kind == "ping":
            return Ping(side.lab, "client", pair_stage.network.GUEST_ADDRESS)
        return Session(side)
    probes = {name: make(side) for name, side in stage.sides.items()}
    ask = {"ping": lambda p: p.ask(), "select": lambda p: p.ask("SELECT 1 AS ok \\g /dev/null"), "insert": lambda p: p.ask(INSERT)}[kind]
    next_s = time.monotonic()
    for number in range(count):
        for name in in_turn(number, probes):
            next_s = max(next_s + 1 / (2 * rate), time.monotonic())
            time.sleep(max(next_s - time.monotonic(), 0))
            ask(probes[name])
    # The first ones find caches cold and addresses unknown.
    return {name: p.finish()[-count + 5:] for name, p in probes.items()}


def measure_round_trip(stage, options):
    for side in stage.sides.values():
        session = Session(side)
        session.ask("CREATE TABLE bench(id serial, note text);")
        session.finish()
    found = []
    for placement, delay_ms in [(p, 0) for p in stage.placements()] + [(stage.placements()[0], 5)]:
        stage.place(placement)
        stage.pair.lab.delay_link(delay_ms)
        time.sleep(1)
        one = {"placement": placement, "delay_ms": delay_ms, "link_ping": [], "link_tcp": []}
        link = Ping(stage.pair.lab, "a", pair_stage.network.LINK_ADDRESS["b"])
        for _ in range(options.samples // 2):
            link.ask()
            time.sleep(1 / (4 * options.rate))
        one["link_ping"] = link.finish()
        one["link_tcp"] = pair_stage.link_round_trips_ms(stage, options.samples // 2, 1 / (4 * options.rate))
        for kind in ("ping", "select", "insert"):
            one[kind] = probe(stage, kind, options.samples, options.rate)
        found.append(one)
    stage.pair.lab.delay_link(0)
    return found


def measure_lag(stage, options):
    """The leader's own account of how far the follower is behind, under SQL."""
    client = demo.Client(stage.pair.lab, stage.pair)
    client.wait_for(100)
    found = {}
    for placement in stage.placements():
        stage.place(placement)
        time.sleep(1)
        leader, samples, end_s = stage.pair.leader(), [], time.monotonic() + options.seconds * options.runs
        while time.monotonic() < end_s:
            status = stage.pair.status(leader)
            if status is None or status["role"] != "paired":
                raise guest.Failed(f"no pair any more: {status}")
            samples.append((status["lag_ms"], status["log_round_trip_ms"]))
            time.sleep(0.02)
        found[placement] = {"lag_ms": [s[0] for s in samples], "log_round_trip_ms": [s[1] for s in samples]}
    return {"placements": found, "account": checked(client)}


def measure_kills(stage, options):
    """Whoever leads dies under SQL, again and again. After every fifth time the ledger is compared with the table."""
    plan = ["kill"] * options.kills + [("stop", "cut")[n % 2] for n in range(options.silences)]
    found, accounts, client = [], [], None
    for number, fault in enumerate(plan):
        if client is None:
            client = demo.Client(stage.pair.lab, stage.pair)
            client.wait_for(100)
        stage.pair.fault = "kill"
        stage.place(stage.placements()[0])
        time.sleep(1)
        stage.pair.fault = fault
        survivor = pairs.OTHER[stage.pair.wait_paired()]
        result = demo.kill_leader(stage.pair, client)
        # Measured from the moment of the fault; what the events say is good to a millisecond.
        result.update(fault=fault, claiming_ms=stage.pair.after(survivor, "claiming"), alone_ms=stage.pair.after(survivor, "alone"),
                      took_over_event_ms=stage.pair.after(survivor, "took_over"))
        found.append(result)
        if number % 5 == 4 or number == len(plan) - 1:
            accounts.append(checked(client))
            client = None
    return {"kills": found, "accounts": accounts}


def replace_disk(path, kind):
    size = path.stat().st_size
    if kind == "same":
        return
    path.unlink()
    with open(path, "wb") as file:
        if kind == "empty":
            file.truncate(size)
        else:
            piece = b"\xa5" * guest.MIB
            for begin in range(0, size, guest.MIB):
                file.write(piece[:size - begin])
            file.flush()
            os.fsync(file.fileno())


def measure_join(stage, options):
    """The follower dies and comes back: with the disk that it left, with an empty one, with one that differs everywhere."""
    client = demo.Client(stage.pair.lab, stage.pair)
    client.wait_for(100)
    found = []
    for run in range(options.runs):
        for kind in in_turn(run, ("same", "empty", "other")):
            stage.place(stage.placements()[0])
            leader = stage.pair.wait_paired()
            follower = pairs.OTHER[leader]
            time.sleep(1)
            stage.pair.kill(follower)
            stage.pair.wait("a leader alone", lambda: stage.pair.role(leader) == "alone")
            replace_disk(stage.pair.disk(follower), kind)
            client.wait_for(50)
            begin_ns, sent = time.monotonic_ns(), stage.counters(leader, "sync0")["sent"]
            stage.pair.start(follower, "standby")
            if "own" in stage.placements():
                pair_stage.pin(stage.pair.processes[follower].pid, {stage.cores[1]})
            stage.pair.wait_paired(PATIENCE_S)
            end_ns, sent = time.monotonic_ns(), stage.counters(leader, "sync0")["sent"] - sent
            status = stage.pair.status(leader)
            client.wait_for(50)
            acked = [a for _, a in client.acknowledged()]
            during = [a for a in acked if begin_ns - 1e8 < a < end_ns + 1e8]
            found.append({"disk": kind, "seconds": (end_ns - begin_ns) / 1e9, "blackout_ms": status["join_blackout_ms"],
                          "sent_bytes": sent, "covered_bytes": status["join_done_bytes"],
                          "gap_ms": max((b - a for a, b in zip(during, during[1:])), default=0) / 1e6,
                          "per_second": 1e9 * len(during) / (end_ns - begin_ns + 2e8)})
    return {"joins": found, "account": checked(client)}


PARTS = {"sql": measure_sql, "cpu": measure_cpu, "log": measure_log, "round-trip": measure_round_trip, "lag": measure_lag,
         "kills": measure_kills, "join": measure_join}
BESIDE = {"sql", "cpu", "round-trip"}  # compare with an unprotected guest

