; The local APIC's timer in TSC-deadline mode. Without the CPUID bit there is nothing to test, and it passes.
; QEMU with TCG and Bochs lack the mode: there it tests nothing.
; passes-on: qemu bochs
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
  mov eax, 1
  cpuid
  test ecx, 1 << 24
  jnz .present
  say "no TSC deadline here", 13, 10
  pass
.present:
  on_interrupt 0x40, on_timer
  apic_on
  mov dword [lapic_lvt_timer], 0x40040
  mfence

  ; In the future
  rdtsc
  add eax, 100000
  adc edx, 0
  mov [deadline], eax
  mov [deadline + 4], edx
  mov ecx, 0x6e0
  wrmsr
  rdmsr
  check_eq eax, [deadline]
  sti
.wait:
  hlt
  cmp dword [timers], 1
  jb .wait
  cli
  rdtsc
  sub eax, [deadline]
  sbb edx, [deadline + 4]
  check_if ns                                   ; not early
  mov ecx, 0x6e0
  rdmsr
  or eax, edx
  check_eq eax, 0                               ; disarmed by firing

  ; In the past: at once
  mov eax, 1
  xor edx, edx
  wrmsr
  let_in
  check_eq dword [timers], 2
  ; Zero disarms.
  rdtsc
  add eax, 10000
  adc edx, 0
  mov ecx, 0x6e0
  wrmsr
  xor eax, eax
  xor edx, edx
  wrmsr
  mov ecx, 20000
.spin:
  loop .spin
  let_in
  check_eq dword [timers], 2
  ; The initial count is ignored in this mode.
  mov dword [lapic_initial], 1000
  check_eq dword [lapic_current], 0
  pass

on_timer:
  inc dword [timers]
  mov dword [lapic_eoi], 0
  ret
timers: dd 0
deadline: dd 0, 0
  irq_routines
guest_end
