; A jump through a table of four targets, as of a switch in a loop.
; boot: multiboot
; expect: exit 0
; iterations: 60000000
; instructions: 7
%include "loop.inc"
loop_setup
loop_begin
  mov eax, r15d
  and eax, 3
  jmp [targets + rax * 8]
one:
  inc rcx
  jmp after
two:
  inc rdx
  jmp after
three:
  inc rsi
  jmp after
four:
  inc rdi
  jmp after
align 8
targets: dq one, two, three, four
after:
loop_end
