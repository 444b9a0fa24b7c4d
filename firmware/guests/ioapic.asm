; The IOAPIC: registers, the PIT on pin 2 by edges, masking. Level interrupts are left to device tests.
; passes-on: qemu bochs
; needs: lapic ioapic pic pit
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000000
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_apic.inc"
guest_multiboot

main:
  call pic_setup                                ; the 8259 pair stays masked
  on_interrupt 0x62, on_pit
  apic_on
  mov dword [ioapic], 1
  mov eax, [ioapic + 0x10]
  and eax, 0x00ff0000
  check_eq eax, 23 << 16
  ; Windows writes zero here; nothing may change.
  mov dword [ioapic + 0x10], 0
  mov eax, [ioapic + 0x10]
  and eax, 0x00ff0000
  check_eq eax, 23 << 16
  mov dword [ioapic], 0x14
  check_eq dword [ioapic], 0x14                 ; the index reads back
  mov eax, [ioapic + 0x10]
  and eax, 0x10000
  check_eq eax, 0x10000                         ; masked at reset
  ; Delivery status and remote IRR are read-only.
  ioapic_write 0x14, 0x00015062
  mov eax, [ioapic + 0x10]
  check_eq eax, 0x00010062
  ioapic_write 0x15, 0x00000000


  ; Unmasked: the PIT's edges on pin 2
  ioapic_write 0x14, 0x00000062
  mov al, 0x34
  out 0x43, al
  mov al, 1193 & 0xff
  out 0x40, al
  mov al, 1193 >> 8
  out 0x40, al
  sti
.wait:
  hlt
  cmp dword [ticks], 5
  jb .wait
  cli
  ioapic_write 0x14, 0x00010062
  ; No more now
  mov al, 0x30
  out 0x43, al
  let_in
  mov eax, [ticks]
  mov [kept], eax
  call pit_one_shot
.expire:
  mov al, 0xe2
  out 0x43, al
  in al, 0x40
  test al, 0x80
  jz .expire
  let_in
  mov eax, [kept]
  check_eq eax, [ticks]
  pass

on_pit:
  inc dword [ticks]
  mov dword [lapic_eoi], 0
  ret
ticks: dd 0
kept: dd 0
  irq_routines
guest_end
