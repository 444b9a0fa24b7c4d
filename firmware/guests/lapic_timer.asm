; The local APIC: version, software enable, timer in its modes, priorities, self-interrupts.
; passes-on: bochs
; needs: lapic pic
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000000
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_apic.inc"
guest_multiboot

main:
  call pic_setup
  on_interrupt 0x40, on_timer
  on_interrupt 0x50, on_low
  on_interrupt 0xc0, on_high
  ; CPUID says there is one; its base is enabled; this is the boot processor.
  mov eax, 1
  cpuid
  and edx, 1 << 9
  check_eq edx, 1 << 9
  mov ecx, 0x1b
  rdmsr
  and eax, 0xfffff900
  check_eq eax, 0xfee00900
  mov eax, [lapic_version]
  and eax, 0xf0
  check_eq eax, 0x10
  apic_on

  ; One shot
  mov dword [lapic_divide], 0xb                 ; by 1
  mov dword [lapic_lvt_timer], 0x40
  mov dword [timers], 0
  mov dword [lapic_initial], 10000000
  cmp dword [lapic_current], 0
  check_if nz
  sti
.one:
  hlt
  cmp dword [timers], 1
  jb .one
  cli
  check_eq dword [timers], 1
  check_eq dword [lapic_current], 0
  ; Masked: counts but says nothing
  mov dword [lapic_lvt_timer], 0x10040
  mov dword [lapic_initial], 1000
.masked:
  cmp dword [lapic_current], 0
  jne .masked
  let_in
  check_eq dword [timers], 1
  ; Zero stops it.
  mov dword [lapic_lvt_timer], 0x40
  mov dword [lapic_initial], 1000000
  mov dword [lapic_initial], 0
  check_eq dword [lapic_current], 0

  ; Periodic, by 16
  mov dword [lapic_divide], 3
  check_eq dword [lapic_divide], 3
  mov dword [timers], 0
  mov dword [lapic_lvt_timer], 0x20040
  mov dword [lapic_initial], 10000
  sti
.periodic:
  hlt
  cmp dword [timers], 5
  jb .periodic
  cli
  mov dword [lapic_initial], 0
  mov dword [lapic_lvt_timer], 0x10000
  let_in

  ; Self-interrupts by priority: with interrupts off the higher comes first; within a class they wait for EOI.
  mov dword [order], 0
  mov dword [lapic_icr], 0x40050                ; self, fixed, vector 50h
  mov dword [lapic_icr], 0x400c0
  mov eax, [lapic_irr + 0x20]
  and eax, 1 << 16
  check_eq eax, 1 << 16
  let_in
  check_eq dword [order], 0x00c050
  ; The task priority holds back what is not above it.
  mov dword [lapic_tpr], 0x60
  mov dword [order], 0
  mov dword [lapic_icr], 0x40050
  let_in
  check_eq dword [order], 0
  mov dword [lapic_tpr], 0x40
  let_in
  check_eq dword [order], 0x50
  mov dword [lapic_tpr], 0
  ; A spurious-vector write without bit 8 turns it off and masks the table.
  mov dword [lapic_svr], 0xff
  mov eax, [lapic_lvt_timer]
  and eax, 0x10000
  check_eq eax, 0x10000
  mov dword [lapic_lvt_timer], 0x40
  mov eax, [lapic_lvt_timer]
  and eax, 0x10000
  check_eq eax, 0x10000
  pass

on_timer:
  inc dword [timers]
  mov eax, [lapic_isr + 0x20]
  check_eq eax, 1
  mov dword [lapic_eoi], 0
  ret
on_low:
  shl dword [order], 8
  or dword [order], 0x50
  mov dword [lapic_eoi], 0
  ret
on_high:
  shl dword [order], 8
  or dword [order], 0xc0
  mov dword [lapic_eoi], 0
  ret
timers: dd 0
order: dd 0
  irq_routines
guest_end
