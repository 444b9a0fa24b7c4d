; A fault, a fault while delivering it, and a fault while delivering that: the CPU shuts down.
; passes-on: qemu
; boot: multiboot
; expect: shutdown
; expect-serial: "before the triple fault"
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

main:
  say "before the triple fault", 13, 10
  lidt [no_table]
  ud2
  exit_with 1

no_table:
  dw 0
  dd 0
guest_end
