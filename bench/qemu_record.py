"""QEMU's record and replay (`-icount rr=`) of the same guest as ours: boot, SQL inside, power-off; and without recording.

QEMU's platform is its own where it must be: machine pc with SeaBIOS, disk as virtio-blk over PCI on a snapshot that is
thrown away (when recorded and replayed behind the filter driver blkreplay, which replay demands), console on the 16550,
no network. Guest time is the host's with `shift=auto`; with a fixed shift it is the count of instructions, in 2**shift ns.
"""
import filecmp
import os

import guest

PLAIN = ["qemu-system-x86_64", "-machine", "pc", "-cpu", "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+cx16", "-m", "512", "-nodefaults",
         "-display", "none", "-no-reboot", "-net", "none", "-accel", "tcg"]


def command(icount, console):
    recorded = "rr=" in icount
    return [*PLAIN, "-icount", icount, "-serial", "file:" + console, "-kernel", guest.debian_file("vmlinuz"),
            "-initrd", guest.debian_file("initramfs.cpio"), "-append", guest.APPEND + " lockstitch.sql=1 lockstitch.poweroff=1",
            "-drive", f"file={guest.debian_file('disk.img')},format=raw,if=none,snapshot=on,id=disk",
            *(["-drive", "driver=blkreplay,if=none,image=disk,id=replayed"] if recorded else []),
            "-device", "virtio-blk-pci,drive=" + ("replayed" if recorded else "disk")]


def measure(new_file, shift, runs, timeout_s):
    """Costs of `runs` runs in turn; None for one that did not finish in time."""
    found = {"plain": [], "record": [], "replay": [], "log_bytes": [], "same_console": []}

    def one(side, icount):
        console = new_file("console")
        cost = guest.run(command(icount, console), timeout_s=timeout_s)
        if cost and b"LOCKSTITCH-SQL-OK" not in open(console, "rb").read():
            raise guest.Failed(f"QEMU's guest did not answer SQL ({side})")
        found[side].append(cost)
        return console

    for _ in range(runs):
        log = new_file("rr")
        one("plain", f"shift={shift}")
        recorded = one("record", f"shift={shift},rr=record,rrfile={log}")
        if found["record"][-1] is None:
            found["replay"].append(None)
            found["log_bytes"].append(None)
            continue
        found["log_bytes"].append(os.path.getsize(log))
        replayed = one("replay", f"shift={shift},rr=replay,rrfile={log}")
        found["same_console"].append(filecmp.cmp(recorded, replayed, shallow=False))
        os.remove(log)
    return found
