"""Breakpoints and watchpoints in the kernel and in a process, backwards, against steps and against runs forwards."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gdb  # noqa: E402
from session import REGISTERS, attach, claim, do, look, monitor, register, tick, word  # noqa: E402

WINDOW = 3000
SYMBOLS = os.environ["LOCKSTITCH_SYMBOLS"]
RSP, CS = REGISTERS.index("rsp"), REGISTERS.index("cs")


attach()
monitor("goto end")
claim("the kernel is found", "Linux version 6.1" in do("monitor linux-base"))
claim("its symbols are found", re.match(r"\d{5,} symbols", do(f"monitor linux-symbols {SYMBOLS}")))
do(f"add-symbol-file {SYMBOLS}")

# A breakpoint in the kernel, backwards and forwards.
do("break *do_sys_openat2")
do("reverse-continue")
last_open, opened = tick(), look()
claim("the kernel's breakpoint is met", "do_sys_openat2" in do("info symbol $pc"))
do("reverse-continue")
claim("the one before is another one", tick() < last_open)
do("continue")
claim("forwards comes the same one", tick() == last_open and look() == opened)
do("delete")

# A breakpoint in a process: the instruction that made the system call.
do("break *entry_SYSCALL_64")
do("reverse-continue")
do("delete")
do("reverse-stepi")
user, user_tick, user_rip = look(), tick(), register("rip")
claim("behind a system call lies its process", register("cs") & 3 == 3)
do(f"hbreak *{user_rip:#x}")
do("stepi")
do("reverse-continue")
claim("the process's breakpoint is met where it was left", tick() == user_tick and look() == user)
do("delete")

# Brute force: a window of single steps, and what breakpoints and watchpoints say of it.
steps = []
monitor(f"goto {user_tick - WINDOW}")
stack = None
while tick() < user_tick and len(steps) < 2 * WINDOW:
    steps.append((tick(), look(), register("rip")))
    do("stepi")
rips = [rip for _, _, rip in steps]
for rip in sorted(set(rips))[:: max(1, len(set(rips)) // 6)]:
    index = len(rips) - 1 - rips[::-1].index(rip)
    monitor(f"goto {user_tick}")
    do(f"break *{rip:#x}")
    do("reverse-continue")
    claim(f"the last time at {rip:#x} is the one that steps have seen", look() == steps[index][1])
    do("delete")

# A word of a process's stack: the last call or push in the window, and what steps say of its address.
pushes = [after[1][0][RSP] for before, after in zip(steps, steps[1:])
          if before[1][0][RSP] == after[1][0][RSP] + 8 and after[1][0][CS] & 3 == 3]
buffer = pushes[-1]
monitor(f"goto {steps[0][0]}")
values = []
for _ in steps:
    values.append(word(buffer))
    do("stepi")
changes = [i for i in range(len(values) - 1) if values[i] != values[i + 1]]
monitor(f"goto {user_tick}")
do(f"watch *(unsigned long *) {buffer:#x}")
do("reverse-continue")
claim("the last write to a process's buffer is the one that steps have seen", look() == steps[changes[-1]][1])
do("delete")

# An entry of the process's page tables, by the kernel's own mapping of all memory.
monitor(f"goto {user_tick}")
walk = do(f"monitor pagewalk {register('rsp'):#x}")
entry = int(re.search(r"PTE\s+at (0x[0-9a-f]+)", walk).group(1), 16)
address = word(int(gdb.parse_and_eval("(unsigned long) &page_offset_base"))) + entry
final = word(address)
do(f"watch *(unsigned long *) {address:#x}")
do("reverse-continue")
written, before = tick(), word(address)
claim("a page-table entry was something else before it was written", before != final and written < user_tick)
claim("it is written by the kernel", register("cs") & 3 == 0)
do("delete")
do("stepi")
# The accessed and dirty bits are the walker's.
claim("and one instruction makes it what it became", (word(address) ^ final) & ~0x60 == 0, f"{word(address):#x} {final:#x}")
do(f"watch *(unsigned long *) {address:#x}")
do(f"tbreak *{user_rip:#x}")
text = do("continue")
claim("nothing wrote it later", tick() >= user_tick or "Temporary breakpoint" in text, text)
do("delete")

# The same by physical address, which sees the page walker as well.
monitor(f"goto {user_tick}")
text = monitor(f"find-write {register('rsp'):#x} 8")
claim("find-write goes to an instruction before", "Written by the instruction" in text and tick() < user_tick, text)

# A diversion did not happen.
monitor(f"goto {user_tick}")
do("set $rax = 1234")
claim("a changed register is a diversion", "diversion" in do("monitor when"))
do("stepi 20")
monitor("back")
claim("which leaves no trace", look() == user)
do("kill")
