"""The same PC under Lockstitch and under QEMU's TCG, started and talked to over the serial port, with times by the host's clock.

The board is 440FX and PIIX3 with a disk on PIIX3's IDE or virtio-blk, and an Intel 82540EM or virtio-net on a user-mode
network (libslirp in both). Not here: what is measured on it.
"""
import os
import re
import select
import shutil
import subprocess
import tempfile
import time

import guest

PROGRAMS = ["ours", "tcg", "icount"]
QEMU = ["qemu-system-x86_64", "-machine", "pc", "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16", "-accel", "tcg,thread=single",
        "-m", "512", "-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio", "-device", "virtio-rng-pci"]
ICOUNT = ["-icount", "shift=auto"]
CARDS = {"e1000": "e1000", "virtio": "virtio-net-pci"}
UEFI_CODE, UEFI_VARIABLES = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
GUEST_PORT = 5001  # as in guests/pc_load.c


class Medium:
    """A disk or a CD. `keep`: writes go to the file; otherwise they are forgotten."""

    def __init__(self, path, bus="ide", keep=False):
        self.path, self.bus, self.keep = path, bus, keep


class Pc:
    """What is started. `kernel`: (bzImage, initrd, command line) instead of firmware. `port`: of the host, for TCP and UDP."""

    def __init__(self, disk=None, cdrom=None, card=None, port=None, kernel=None, firmware="bios"):
        self.disk, self.cdrom, self.card, self.port, self.kernel, self.firmware = disk, cdrom, card, port, kernel, firmware

    def ours(self, lockstitch, clock):
        command = [lockstitch, "run", "--quiet", "--clock", clock, "--memory", "512M", "--serial", "stdio"]
        if self.kernel:
            command += ["--kernel", self.kernel[0], "--initrd", self.kernel[1], "--append", self.kernel[2]]
        else:
            command += ["--firmware", self.firmware]
        if self.disk:
            command += ["--disk", f"file={self.disk.path},mode={'rw' if self.disk.keep else 'overlay'},bus={self.disk.bus}"]
        if self.cdrom:
            command += ["--cdrom", self.cdrom.path]
        if self.card:
            forward = "".join(f",forward={kind}:127.0.0.1:{self.port}-:{GUEST_PORT}" for kind in ("tcp", "udp")) if self.port else ""
            command += ["--net", f"user{forward},card={self.card}"]
        return command

    def qemu(self, icount, scratch):
        command = [*QEMU, *(ICOUNT if icount else [])]
        if self.kernel:
            command += ["-kernel", self.kernel[0], "-initrd", self.kernel[1], "-append", self.kernel[2]]
        else:
            command += ["-vga", "std"]
        if not self.kernel and self.firmware == "uefi":
            variables = tempfile.NamedTemporaryFile(dir=scratch, suffix=".vars", delete=False).name
            shutil.copyfile(UEFI_VARIABLES, variables)
            command += ["-drive", f"if=pflash,format=raw,readonly=on,file={UEFI_CODE}", "-drive", f"if=pflash,format=raw,file={variables}"]
        if self.disk:
            device = "virtio-blk-pci" if self.disk.bus == "virtio" else "ide-hd,bus=ide.0"
            command += ["-drive", f"file={self.disk.path},format=raw,if=none,id=disk,snapshot={'off' if self.disk.keep else 'on'}",
                        "-device", f"{device},drive=disk" + ("" if self.kernel else ",bootindex=0")]
        if self.cdrom:
            command += ["-drive", f"file={self.cdrom.path},format=raw,if=none,id=cd,readonly=on,media=cdrom",
                        "-device", "ide-cd,bus=ide.1,drive=cd,bootindex=1"]
        if self.card:
            forward = "".join(f",hostfwd={kind}:127.0.0.1:{self.port}-:{GUEST_PORT}" for kind in ("tcp", "udp")) if self.port else ""
            command += ["-netdev", "user,id=net" + forward, "-device", f"{CARDS[self.card]},netdev=net"]
        return command


class Running:
    """A PC from its power-on to its end, which `with` sees to. Every piece of the serial port is dated when it comes."""

    def __init__(self, command):
        self.command, self.said, self.error = command, b"", tempfile.TemporaryFile()
        self.power_on = time.monotonic()
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.error)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.child.stdout.close()
        self.error.close()

    def cpu_s(self):
        return guest.process_cpu_seconds(self.child.pid)

    def wait(self, pattern, seconds):
        """When it came, and the match; what stands before its end is not looked at again."""
        deadline, clean = time.monotonic() + seconds, re.compile(pattern)
        when = time.monotonic()
        while True:
            found = clean.search(self.said)
            if found:
                self.said = self.said[found.end():]
                return when, found
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.child.stdout], [], [], left)[0]:
                self.fail(f"did not say /{pattern.decode()}/ within {seconds} s")
            piece = os.read(self.child.stdout.fileno(), 65536)
            when = time.monotonic()
            if not piece:
                self.fail(f"ended before it said /{pattern.decode()}/")
            self.said += piece

    def fail(self, what):
        self.error.seek(0)
        raise guest.Failed(f"the guest {what}: {' '.join(self.command)}\n--- serial\n{self.said[-1500:].decode(errors='replace')}"
                           f"\n--- stderr\n{self.error.read()[-800:].decode(errors='replace')}")

    def tell(self, line):
        self.child.stdin.write(line.encode() + b"\n")
        self.child.stdin.flush()

    def timed(self, seconds):
        """From the guest's `begin` to its `end`: host's seconds, what the guest counted, the guest's seconds."""
        begin, _ = self.wait(rb"begin\n", 60)
        end, found = self.wait(rb"(?:end (\d+) (\d+)|failed [^\n]*)\n", seconds)
        if not found.group(1):
            self.fail(found.group(0).decode().strip())
        return end - begin, int(found.group(1)), int(found.group(2)) / 1e9
