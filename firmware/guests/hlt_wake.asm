; HLT: ends only by an interrupt, time passes meanwhile, and the clocks agree about how much.
; passes-on: qemu bochs
; needs: pic pit
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 1000000000
%include "lib.inc"
%include "lib_irq.inc"
guest_multiboot

main:
  call pic_setup
  on_interrupt 0x20, on_irq0
  mov al, 0xfe
  out 0x21, al
  mov ecx, 20
next_round:
  push ecx
  rdtsc
  mov [before], eax
  mov [before + 4], edx
  mov al, 0x30
  out 0x43, al
  mov al, 0x54                                  ; 11932 ticks: 10 ms
  out 0x40, al
  mov al, 0x2e
  out 0x40, al
  mov dword [ticks], 0
  sti
  hlt
after_hlt:
  cli
  rdtsc
  sub eax, [before]
  sbb edx, [before + 4]
  check_if nc                                   ; the TSC did not go back
  check_eq dword [ticks], 1
  check_eq dword [resumed], after_hlt
  pop ecx
  dec ecx
  jnz next_round
  pass

on_irq0:
  inc dword [ticks]
  mov eax, [ebp + frame_ip]
  mov [resumed], eax
  mov al, 0x20
  out 0x20, al
  ret
before: dd 0, 0
ticks: dd 0
resumed: dd 0
  irq_routines
guest_end
