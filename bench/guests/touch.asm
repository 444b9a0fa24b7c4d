; Writes to every page of 64 MiB (a byte onto itself), so that all of the guest's memory is resident on the host.
; Not a benchmark: bench/run.py finds the monitor's own memory with it.
; boot: multiboot
; expect: exit 0
; memory: 64
; iterations: 1
; instructions: 2
%include "loop.inc"
loop_setup
loop_begin
  xor eax, eax
low_page:
  or byte [rax], 0
  add eax, 4096
  cmp eax, 0xa0000
  jb low_page
  mov eax, 0x100000
high_page:
  or byte [rax], 0
  add eax, 4096
  cmp eax, 64 << 20
  jb high_page
loop_end
