; Reset through port CF9.
; passes-on: qemu
; boot: multiboot
; expect: reset
; expect-serial: "before the reset"
; expect-ticks-max: 20000000
%include "lib.inc"
guest_multiboot

main:
  say "before the reset", 13, 10
  mov dx, 0xcf9
  mov al, 2
  out dx, al
  in al, dx
  movzx eax, al
  check_eq eax, 2
  mov dx, 0xcf9
  mov al, 6
  out dx, al
  mov ecx, 10000000                             ; some platforms take a while
.wait:
  loop .wait
  exit_with 1
guest_end
