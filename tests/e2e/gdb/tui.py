#!/usr/bin/env python3
"""gdb's text interface on a terminal, with windows of instructions and registers, typed at as a person would.
usage: tui.py SOCKET"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

COMMANDS = ("layout asm", "layout regs", "stepi 5", "reverse-stepi", "monitor when", "detach", "quit")


def main():
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm"
        os.execvp("gdb", ["gdb", "-q", "-nx", "-tui", "-ex", "set pagination off", "-ex", "set confirm off", "-ex",
                          "target remote " + sys.argv[1]])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    shown, commands, quiet_since = b"", list(COMMANDS), time.monotonic()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break  # gdb has ended
            quiet_since = time.monotonic()
        elif commands and time.monotonic() - quiet_since > 0.7:
            os.write(terminal, commands.pop(0).encode() + b"\n")
            quiet_since = time.monotonic()
    text = re.sub(rb"\x1b[\[(][0-9;?]*[A-Za-z]", b" ", shown).decode(errors="replace")
    good = not commands and re.search(r"tick 4,", text) and "detached" in text
    print(f"claim {'holds' if good else 'FAILS'}: the text interface steps forward and back{'' if good else ': ' + text}")


main()
