# From the crash of a process to the instruction that planted it. $LOCKSTITCH_GDB: the socket. docs/DEBUGGING.md explains.
set pagination off
set confirm off
python gdb.execute("target remote " + __import__("os").environ["LOCKSTITCH_GDB"])
monitor goto end
maintenance flush register-cache
# Where the kernel's last words say that the process died.
python import re
python died = re.search(r"segfault at .* ip ([0-9a-f]+)", gdb.execute("monitor console 40", to_string=True)).group(1)
python gdb.execute("hbreak *0x" + died)
reverse-continue
reverse-stepi
bt 2
print shelf[number]
delete
watch -location shelf[number].price
reverse-continue
bt 3
detach
