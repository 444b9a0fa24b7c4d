"""What the benchmarks share: the Debian guest of scripts/build-guest, how to run it and ask it for SQL, and what a process costs.

Not here: what is measured and how it is judged.
"""
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MIB = 1 << 20
READY = b"LOCKSTITCH-GUEST-READY"
APPEND = "console=ttyS0 panic=-1 mitigations=off"
POWER_OFF_SQL = "COPY (SELECT 1) TO '/run/lockstitch/poweroff'"


def debian_file(name):
    path = os.path.join(ROOT, "build/guest", name)
    if not os.path.exists(path):
        sys.exit(f"bench: {path} is missing; scripts/build-guest makes it")
    return path


def debian_flags(append=APPEND, net=None, disk=True):
    """Flags of `lockstitch run` and `record` for the guest, but for its clock and its serial port."""
    return ["--memory", "512M", "--kernel", debian_file("vmlinuz"), "--initrd", debian_file("initramfs.cpio"), "--append", append,
            *(["--disk", f"file={debian_file('disk.img')},mode=overlay"] if disk else []), *(["--net", net] if net else [])]


def lockstitch_in(build):
    path = os.path.join(os.path.abspath(build), "lockstitch")
    if not os.path.exists(path):
        sys.exit(f"bench: {path} is missing; build it with cmake --preset release && cmake --build --preset release")
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def forward(port):
    """--net for a guest whose PostgreSQL answers at 127.0.0.1:port."""
    return f"user,forward=tcp:127.0.0.1:{port}-:5432"


def psql(port, *more):
    return ["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-X", *more]


def ask_sql(port, statement, timeout_s=60):
    return subprocess.run(psql(port, "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", statement), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=True, timeout=timeout_s).stdout.strip()


def process_cpu_seconds(pid):
    """User and system time of all threads and of the children that were waited for, as wait4 counts them."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


class Failed(SystemExit):
    """A run that is no measurement; ends the program with these words unless somebody knows better."""


class Process:
    """A measured child. `with` ends it whatever happens; after `timeout_s` it is killed, and then did not finish."""

    def __init__(self, command, timeout_s):
        self.command, self.error, self.timed_out = command, tempfile.TemporaryFile(), False
        self.begin = time.monotonic()
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.error)
        self.timer = threading.Timer(timeout_s, self.give_up)
        self.timer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        if self.child.returncode is None:
            self.child.kill()
            self.child.wait()
        self.error.close()

    def give_up(self):
        self.timed_out = True
        os.kill(self.child.pid, signal.SIGKILL)  # not Popen.kill, which may take the status away from wait_end

    def cpu_s(self):
        return process_cpu_seconds(self.child.pid)

    def wait_ready(self, console):
        """Until the guest's PostgreSQL answers."""
        while not (os.path.exists(console) and READY in open(console, "rb").read()):
            if self.child.poll() is not None:
                raise Failed(f"the guest ended before it was ready: {' '.join(self.command)}: {self.said()}")
            time.sleep(0.25)

    def said(self):
        self.error.seek(0)
        return self.error.read().decode(errors="replace")[-400:]

    def wait_end(self, good_code=0):
        """Its cost, or None if it did not finish. A run that did not end as the guest says is no measurement."""
        _, status, usage = os.wait4(self.child.pid, 0)
        wall_s = time.monotonic() - self.begin
        self.timer.cancel()
        self.child.returncode = os.waitstatus_to_exitcode(status)
        if self.timed_out:
            return None
        if self.child.returncode != good_code:
            raise Failed(f"{' '.join(self.command)} ended with {self.child.returncode}, not {good_code}: {self.said()}")
        return {"cpu_s": usage.ru_utime + usage.ru_stime, "wall_s": wall_s, "max_rss_bytes": usage.ru_maxrss * 1024}


def run(command, good_code=0, timeout_s=600):
    """Runs to the end; the child's cost, or None if it did not finish in time."""
    with Process(command, timeout_s) as process:
        return process.wait_end(good_code)


def host():
    with open("/proc/cpuinfo") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    try:
        qemu = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    except FileNotFoundError:
        qemu = []
    return {"cpu": model.group(1) if model else "", "cores": os.cpu_count(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0], "qemu": qemu[0] if qemu else ""}
