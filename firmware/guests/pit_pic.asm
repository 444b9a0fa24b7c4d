; The 8254 through the 8259 pair: periodic and one-shot interrupts, read-back, IRR, ISR, masks, EOI, spurious interrupts.
; passes-on: qemu bochs
; needs: pic pit port61
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000000
%include "lib.inc"
%include "lib_irq.inc"
guest_multiboot

main:
  call pic_setup
  on_interrupt 0x20, on_irq0
  on_interrupt 0x27, on_spurious
  ; The mask registers read back.
  mov al, 0xa5
  out 0x21, al
  in al, 0x21
  movzx eax, al
  check_eq eax, 0xa5

  ; Periodic, mode 2, 1 ms: ten interrupts
  mov al, 0x34
  out 0x43, al
  mov al, 1193 & 0xff
  out 0x40, al
  mov al, 1193 >> 8
  out 0x40, al
  mov al, 0xfe
  out 0x21, al
  mov dword [ticks], 0
  sti
.wait:
  hlt
  cmp dword [ticks], 10
  jb .wait
  cli
  ; In service while it is handled, gone after EOI
  check_eq dword [in_service], 1
  mov al, 0x0b
  out 0x20, al
  in al, 0x20
  movzx eax, al
  check_eq eax, 0

  ; Ten ticks of mode 2 are 10 ms: channel 2 says so, counting down from FFFFh in mode 0, started with the first.
  mov dword [ticks], 0
  mov al, 0xb0
  out 0x43, al
  in al, 0x61
  and al, 0xfc
  or al, 1                                      ; gate open, speaker off
  out 0x61, al
  sti
.first:
  hlt
  cmp dword [ticks], 1
  jb .first
  mov al, 0xff
  out 0x42, al
  out 0x42, al
.more:
  hlt
  cmp dword [ticks], 11
  jb .more
  cli
  mov al, 0x80                                  ; latch channel 2
  out 0x43, al
  in al, 0x42
  mov cl, al
  in al, 0x42
  mov ch, al
  movzx ecx, cx
  mov eax, 0xffff
  sub eax, ecx                                  ; PIT ticks that passed
  mov [passed], eax
  cmp eax, 11930 - 400
  check_if ae
  cmp dword [passed], 11930 + 400
  check_if be

  ; Masked: pending in IRR, not delivered; delivered when unmasked
  mov al, 0xff
  out 0x21, al
  call pit_one_shot
  mov dword [ticks], 0
  sti
.pending:
  mov al, 0x0a
  out 0x20, al
  in al, 0x20
  test al, 1
  jz .pending
  check_eq dword [ticks], 0
  mov al, 0xfe
  out 0x21, al
  let_in
  check_eq dword [ticks], 1

  ; One shot: OUT goes high once and stays. The status by read-back shows it.
  call pit_one_shot
  mov al, 0xe2                                  ; status of channel 0
  out 0x43, al
  in al, 0x40
  and eax, 0xbf
  check_eq eax, 0x30                            ; OUT low, both bytes, mode 0
  sti
  hlt
  cli
  mov al, 0xe2
  out 0x43, al
  in al, 0x40
  and eax, 0xbf
  check_eq eax, 0xb0                            ; OUT high

  ; Channel 2's output at port 61h bit 5
  mov al, 0xb0
  out 0x43, al
  mov al, 100
  out 0x42, al
  mov al, 0
  out 0x42, al
  in al, 0x61
  and eax, 0x20
  check_eq eax, 0
.output:
  in al, 0x61
  test al, 0x20
  jz .output
  ; The refresh bit toggles.
  in al, 0x61
  and al, 0x10
  mov ah, al
.toggle:
  in al, 0x61
  and al, 0x10
  cmp al, ah
  je .toggle

  ; Square wave, mode 3, through the latch: the count goes down by two
  mov al, 0x36
  out 0x43, al
  mov al, 0
  out 0x40, al
  out 0x40, al
  mov al, 0
  out 0x43, al
  in al, 0x40
  in al, 0x40
  mov al, 0xe2
  out 0x43, al
  in al, 0x40
  and eax, 0x3f
  check_eq eax, 0x36
  pass

on_irq0:
  inc dword [ticks]
  mov al, 0x0b
  out 0x20, al
  in al, 0x20
  movzx eax, al
  mov [in_service], eax
  mov al, 0x20
  out 0x20, al
  ret
on_spurious:
  exit_with 117
ticks: dd 0
in_service: dd 0
passed: dd 0
  irq_routines
guest_end
