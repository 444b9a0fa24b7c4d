; Windows' HAL sets the time-stamp counter to zero while it calibrates. The counter starts again from there, and nothing
; else notices: the PM timer and the APIC's timer in its one-shot and periodic modes go on as they were, and a TSC deadline
; still means a value of the counter. IA32_TSC_ADJUST exists exactly if CPUID says so.
; passes-on: none
; needs: acpi pic lapic
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 200000000
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_apic.inc"
%include "lib_acpi.inc"
guest_multiboot

tsc equ 0x10
tsc_adjust equ 0x3b
tsc_deadline equ 0x6e0

; msr_write index, high, low: numbers, or for low a register other than ECX, EDX
%macro msr_write 3
  mov eax, %3
  mov edx, %2
  mov ecx, %1
  wrmsr
%endmacro
; check_tsc high, low: it has just been set to this
%macro check_tsc 2
  rdtsc
  sub eax, %2
  sbb edx, %1
  check_eq edx, 0
  cmp eax, 1000
  check_if b
%endmacro
; check_near a, b, distance: a may be up to `distance` after b, or as much before
%macro check_near 3
  mov eax, %1
  sub eax, %2
  add eax, %3
  cmp eax, 2 * (%3)
  check_if be
%endmacro
%macro pm_time 0                                ; EAX
  mov edx, [pm_timer]
  in eax, dx
%endmacro

main:
  call pic_setup
  acpi_find
  on_interrupt 0x42, on_timer
  apic_on
  mov dword [lapic_divide], 0xb

  ; Zero, and other values. RDMSR says the same.
  rdtsc
  or eax, edx
  check_if nz
  msr_write tsc, 0, 0
  check_tsc 0, 0
  mov ecx, tsc
  rdmsr
  check_eq edx, 0
  cmp eax, 2000
  check_if b
  msr_write tsc, 0x80000000, 0xfffffff0         ; all 64 bits count, and carry
  call spin
  rdtsc
  check_eq edx, 0x80000001
  msr_write tsc, 0, 0
  check_tsc 0, 0

  ; A one-shot timer of 1 ms over a write: 3579 or 3580 cycles of the PM timer.
  mov dword [lapic_lvt_timer], 0x42
  pm_time
  mov [began], eax
  mov dword [lapic_initial], 1000000
  call spin
  msr_write tsc, 0, 0
  mov eax, [lapic_current]
  cmp eax, 1000000 - 100
  check_if b
  sti
  hlt
  cli
  check_eq dword [timers], 1
  call elapsed
  check_near ebx, 3580, 2
  rdtsc
  check_eq edx, 0
  cmp eax, 1000000
  check_if b                                    ; it counts from the write

  ; A periodic one of 1 ms over ten writes, at odd places: 35795.
  mov dword [timers], 0
  mov dword [lapic_lvt_timer], 0x20042
  pm_time
  mov [began], eax
  mov dword [lapic_initial], 1000000
.period:
  sti
  hlt
  cli
  call spin
  msr_write tsc, 0, 0
  cmp dword [timers], 10
  jb .period
  call elapsed
  mov dword [lapic_lvt_timer], 0x10042
  sub ebx, 35795 - 10
  cmp ebx, 60                                   ; the last spin is in it
  check_if be

  mov eax, 1
  cpuid
  test ecx, 1 << 24
  jz .adjust
  ; A deadline is a value of the counter. Set back, the counter takes longer to come there.
  mov dword [timers], 0
  mov dword [lapic_lvt_timer], 0x40042
  mfence
  msr_write tsc, 0, 0
  msr_write tsc_deadline, 0, 1000000
  call spin
  pm_time
  mov [began], eax
  msr_write tsc, 0, 0
  mov ecx, tsc_deadline
  rdmsr
  check_eq eax, 1000000
  check_eq edx, 0
  sti
  hlt
  cli
  call elapsed
  check_eq dword [timers], 1
  check_near ebx, 3580, 2
  rdtsc
  check_eq edx, 0
  sub eax, 1000000
  cmp eax, 2000
  check_if b
  mov ecx, tsc_deadline
  rdmsr
  or eax, edx
  check_eq eax, 0
  ; Set forward to just before it, it comes at once.
  msr_write tsc, 0, 0
  msr_write tsc_deadline, 0x10, 0
  msr_write tsc, 0xf, 0xfffff000
  let_in
  let_in
  let_in
  let_in
  let_in
  check_eq dword [timers], 2
  ; Past it, too.
  msr_write tsc_deadline, 0x20, 0
  msr_write tsc, 0x30, 0
  let_in
  check_eq dword [timers], 3
  ; A deadline that has long passed expires at once, however far the counter was set.
  msr_write tsc_deadline, 0, 1
  let_in
  check_eq dword [timers], 4
  msr_write tsc_deadline, 0x2f, 0xffffffff
  let_in
  check_eq dword [timers], 5
  ; One that is far away does not, also if the counter goes back; and zero disarms.
  msr_write tsc_deadline, 0xffffffff, 0xffffffff
  msr_write tsc, 0, 0
  let_in
  check_eq dword [timers], 5
  mov ecx, tsc_deadline
  rdmsr
  check_eq eax, 0xffffffff
  check_eq edx, 0xffffffff
  msr_write tsc_deadline, 0, 0
  let_in
  check_eq dword [timers], 5

.adjust:
  xor eax, eax
  cpuid
  xor ebx, ebx
  cmp eax, 7
  jb .no_adjust
  mov eax, 7
  xor ecx, ecx
  cpuid
  test ebx, 2
  jz .no_adjust
  ; What is added to it is added to the counter, and a write to the counter shows in it.
  mov ecx, tsc_adjust
  rdmsr
  mov esi, eax
  mov edi, edx
  msr_write tsc, 0, 0
  mov ecx, tsc_adjust
  rdmsr
  sub esi, eax
  sbb edi, edx
  or esi, edi
  check_if nz
  add edx, 0x100
  wrmsr
  check_tsc 0x100, 0
  pass
.no_adjust:
  mov ecx, tsc_adjust
  expect_fault 13, 0, rdmsr
  mov ecx, tsc_adjust
  xor eax, eax
  xor edx, edx
  expect_fault 13, 0, wrmsr
  pass

spin:                                           ; 5 us
  mov ecx, 5000
.spin:
  loop .spin
  ret
elapsed:                                        ; EBX: cycles of the PM timer since [began]
  pm_time
  mov ebx, eax
  sub ebx, [began]
  and ebx, 0xffffff
  ret

on_timer:
  inc dword [timers]
  mov dword [lapic_eoi], 0
  ret
began: dd 0
timers: dd 0
  irq_routines
  acpi_routines
guest_end
