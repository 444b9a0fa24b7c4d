; Start-up and the end, nothing else: what is subtracted from the others.
; boot: multiboot
; expect: exit 0
; iterations: 1
; instructions: 2
%include "loop.inc"
loop_setup
loop_begin
loop_end
