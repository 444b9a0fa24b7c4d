#!/usr/bin/env python3
"""How far the guest's clock goes from the host's with --clock realtime, over an idle and a busy minute.

A psql session asks the guest for clock_timestamp() again and again. Each answer lies between the moments of question and
answer on the host; half their distance is the uncertainty. The first answer is the zero point (the RTC has whole seconds).
Busy: a second session keeps the only CPU counting. Needs build/release/lockstitch, build/guest and psql.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time

import guest


def psql(port):
    return subprocess.Popen(guest.psql(port, "-q", "-t", "-A"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def ask(session):
    """(guest minus host in seconds, uncertainty in seconds)."""
    before = time.time()
    session.stdin.write("SELECT extract(epoch FROM clock_timestamp());\n")
    session.stdin.flush()
    guest = float(session.stdout.readline())
    after = time.time()
    return guest - (before + after) / 2, (after - before) / 2


def minute(session, seconds, zero):
    offsets = []
    end = time.time() + seconds
    while time.time() < end:
        offset, uncertain = ask(session)
        offsets.append((offset - zero, uncertain))
        time.sleep(0.5)
    # What is certainly there: the part of each deviation that its own uncertainty cannot explain.
    sure = max(max(abs(o) - u, 0) for o, u in offsets)
    best = sorted(offsets, key=lambda x: x[1])[:max(len(offsets) // 4, 1)]
    return {"answers": len(offsets), "certain_deviation_ms": round(sure * 1000, 2),
            "deviation_of_quickest_quarter_ms": round(max(abs(o) for o, _ in best) * 1000, 2),
            "their_uncertainty_ms": round(max(u for _, u in best) * 1000, 2),
            "last_ms": round(offsets[-1][0] * 1000, 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="length of each part (default 60)")
    options = parser.parse_args()
    port = guest.free_port()
    with tempfile.TemporaryDirectory() as scratch:
        console = os.path.join(scratch, "console")
        command = [guest.lockstitch_in(os.path.join(guest.ROOT, "build/release")), "run", *guest.debian_flags(net=guest.forward(port)),
                   "--serial", "file:" + console, "--quiet"]
        with guest.Process(command, 600 + 2 * options.seconds) as monitor:
            monitor.wait_ready(console)
            session = psql(port)
            for _ in range(5):
                zero, uncertain = min((ask(session) for _ in range(10)), key=lambda x: x[1])
            result = {"zero_uncertainty_ms": round(uncertain * 1000, 2), "idle": minute(session, options.seconds, zero)}
            load = psql(port)
            load.stdin.write("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b;\n")
            load.stdin.flush()
            time.sleep(1)
            result["busy"] = minute(session, options.seconds, zero)
            load.kill()
            session.kill()
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
