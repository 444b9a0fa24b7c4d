; Arithmetic on registers.
; boot: multiboot
; expect: exit 0
; iterations: 150000000
; instructions: 10
%include "loop.inc"
loop_setup
loop_begin
  add rax, rcx
  xor rdx, rax
  sub rsi, rdx
  lea rdi, [rdi + rax * 2]
  and r8, r9
  or r9, rax
  shl r10, 1
  cmp r10, rsi
loop_end
