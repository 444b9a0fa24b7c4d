; CALL and RET, four functions in turn.
; boot: multiboot
; expect: exit 0
; iterations: 40000000
; instructions: 10
%include "loop.inc"
bits 64
first: ret
second: ret
third: ret
fourth: ret
bits 32
loop_setup
loop_begin
  call first
  call second
  call third
  call fourth
loop_end
