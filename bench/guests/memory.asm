; Loads, stores and read-modify-write: four of ten instructions have a memory operand.
; boot: multiboot
; expect: exit 0
; iterations: 100000000
; instructions: 10
%include "loop.inc"
loop_setup
loop_begin
  mov rax, [rbx]
  add rax, 3
  mov [rbx + 8], rax
  mov rcx, [rbx + 0x2010]
  lea rdx, [rcx + rax]
  add [rbx + 0x1018], rdx
  inc rsi
  xor rdi, rsi
loop_end
