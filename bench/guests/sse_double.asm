; Packed and scalar double arithmetic: x * 0.5 + 1 for two chains, one through memory. All values stay normal numbers.
; boot: multiboot
; expect: exit 0
; iterations: 60000000
; instructions: 10
%include "loop.inc"
loop_setup
  mov rax, 0x3ff0000000000000    ; 1.0
  movq xmm1, rax
  punpcklqdq xmm1, xmm1
  mov rax, 0x3fe0000000000000    ; 0.5
  movq xmm2, rax
  punpcklqdq xmm2, xmm2
  movapd xmm3, xmm1
  movapd [rbx], xmm1
loop_begin
  movapd xmm0, [rbx]
  mulpd xmm0, xmm2
  addpd xmm0, xmm1
  movapd [rbx], xmm0
  mulsd xmm3, xmm2
  addsd xmm3, xmm1
  subpd xmm0, xmm1
  divsd xmm3, xmm1
loop_end
