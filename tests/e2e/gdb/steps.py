"""Single steps forward and the same steps back: equal at every one."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from session import attach, claim, do, look, monitor, tick  # noqa: E402

STEPS = 10_000

attach()
monitor("goto 1500000000")
begin = tick()
seen = [look()]
for _ in range(STEPS):
    do("stepi")
    seen.append(look())
end = tick()
claim("steps forward take time", end > begin)
different = 0
for step in range(STEPS - 1, -1, -1):
    do("reverse-stepi")
    different += look() != seen[step]
claim(f"{STEPS} steps back pass the same moments", different == 0, f"{different} differ")
claim("the last one is where the first one was", tick() == begin)

# A debugger that goes away and comes back finds the machine where it left it.
do("stepi 77")
left_at = look()
do("disconnect")
attach()
claim("after a new attach the machine stands where it stood", look() == left_at)
do("reverse-stepi 77")
claim("and goes back from there as before", look() == seen[0])
do("detach")
