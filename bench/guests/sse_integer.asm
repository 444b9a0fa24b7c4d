; Packed integers: add, shuffle, logic, compare.
; boot: multiboot
; expect: exit 0
; iterations: 60000000
; instructions: 10
%include "loop.inc"
loop_setup
  mov rax, 0x0706050403020100
  movq xmm4, rax
  punpcklqdq xmm4, xmm4
  movdqa xmm1, xmm4
loop_begin
  movdqa xmm0, [rbx]
  paddd xmm0, xmm1
  pshufb xmm0, xmm4
  pxor xmm1, xmm0
  pshufd xmm2, xmm1, 0x1b
  pcmpeqd xmm3, xmm2
  pmullw xmm2, xmm4
  movdqa [rbx], xmm2
loop_end
