; REP MOVSB and REP STOSQ, 4 KiB each.
; boot: multiboot
; expect: exit 0
; iterations: 300000
; instructions: 8
%include "loop.inc"
loop_setup
loop_begin
  mov rsi, rbx
  lea rdi, [rbx + 0x4000]
  mov ecx, 4096
  rep movsb
  mov ecx, 512
  rep stosq
loop_end
