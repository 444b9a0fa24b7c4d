# From the crash of a kernel (firmware/guests/overrun.asm) to the instruction that planted it.
set pagination off
set confirm off
python gdb.execute("target remote " + __import__("os").environ["LOCKSTITCH_GDB"])
monitor goto end
maintenance flush register-cache
python import re
python died = re.search(r"cr2: \S+ \S+ ([0-9a-f]+)", gdb.execute("monitor console", to_string=True)).group(1)
python gdb.execute("break *0x" + died)
reverse-continue
x/i $pc
python pointer = re.search(r"# (0x[0-9a-f]+)", gdb.execute("x/i $pc", to_string=True)).group(1)
python print("pointer", pointer, gdb.execute("x/gx " + pointer, to_string=True))
delete
python gdb.execute("watch *(long *) " + pointer)
reverse-continue
x/i $pc
x/s $rsi - 24
monitor when
kill
