"""What the scripts of this folder share: gdb on a recording. Run inside gdb; the socket is in $LOCKSTITCH_GDB."""
import os
import re

import gdb

REGISTERS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
             "rip", "eflags", "cs", "ss", "cr2", "cr3", "gs_base"]
STACK_BYTES = 64
MASK = (1 << 64) - 1


def do(command):
    return gdb.execute(command, to_string=True)


def attach():
    for command in ("set pagination off", "set confirm off", "set python print-stack full",
                    f"target remote {os.environ['LOCKSTITCH_GDB']}"):
        do(command)


def monitor(command):
    text = do(f"monitor {command}")
    do("maintenance flush register-cache")
    return text


def tick():
    return int(re.match(r"tick (\d+)", do("monitor when")).group(1))


def register(name):
    return int(gdb.newest_frame().read_register(name)) & MASK


def word(address):
    return int.from_bytes(gdb.selected_inferior().read_memory(address, 8), "little")


def look():
    """Everything that two visits of one moment must agree on."""
    frame = gdb.newest_frame()
    values = tuple(int(frame.read_register(name)) & MASK for name in REGISTERS)
    try:
        memory = bytes(gdb.selected_inferior().read_memory(values[REGISTERS.index("rsp")], STACK_BYTES))
    except gdb.error:
        memory = b""
    return values, memory


def claim(name, holds, detail=""):
    print(f"claim {'holds' if holds else 'FAILS'}: {name} {detail if not holds else ''}".rstrip(), flush=True)
