#!/usr/bin/env bash
# Where the time goes: samples a run of lockstitch by CPU clock and lists the functions. usage: bench/profile.sh debian|GUEST
# (a name from bench/guests). Needs linux-perf. Handlers are jumped to, not called, so there are no call chains to show.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build/release}
what=${1:?usage: bench/profile.sh debian|GUEST}
guest=(--kernel "$build/bench/$what.elf" --serial none)
[ "$what" != debian ] || guest=(--kernel build/guest/vmlinuz --initrd build/guest/initramfs.cpio --serial none
  --append 'console=ttyS0 panic=-1 mitigations=off lockstitch.stop=userland')
samples=$(mktemp)
trap 'rm -f "$samples"' EXIT
perf record -q -e cpu-clock -F 999 -o "$samples" -- "$build/lockstitch" run --clock virtual --quiet "${guest[@]}" </dev/null
perf report -i "$samples" --stdio --no-children --percent-limit 0.5 -g none 2>/dev/null |
  sed -e '/^#/d' -e '/^$/d' -e 's/lockstitch::interp:://g' -e 's/(anonymous namespace):://g' -e 's/ *$//'
