; The ACPI timer as Windows' HAL uses it: it never goes back but at 24 bits, keeps step with the time-stamp counter, and
; each time its top bit toggles TMR_STS rises and, if enabled, the SCI with it: level-triggered as the MADT says, through
; the IOAPIC, until the status is cleared by writing a one.
; passes-on: none
; needs: acpi pic lapic ioapic
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 20000000000
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_apic.inc"
%include "lib_acpi.inc"
guest_multiboot

sci_vector equ 0xb1

%macro pm_time 0                                ; EAX
  mov edx, [pm_timer]
  in eax, dx
%endmacro
%macro pm_status 0                              ; EAX
  mov edx, [pm_event]
  in ax, dx
  movzx eax, ax
%endmacro
%macro set_pm_status 1                          ; ones clear
  mov edx, [pm_event]
  mov ax, %1
  out dx, ax
%endmacro
%macro set_pm_enable 1
  mov edx, [pm_event]
  add edx, 2
  mov ax, %1
  out dx, ax
%endmacro

main:
  call pic_setup                                ; the 8259 pair stays masked
  acpi_find
  ; The FADT: interrupt 9, a timer of 4 bytes, 24 bits wide
  mov ebx, [fadt]
  movzx eax, word [ebx + 46]
  check_eq eax, 9
  movzx eax, byte [ebx + 91]
  check_eq eax, 4
  mov eax, [ebx + 112]
  and eax, 0x100                                ; TMR_VAL_EXT
  check_eq eax, 0
  mov al, 9
  call acpi_isa_route
  check_eq eax, 9
  check_eq ecx, 1 << 15                         ; level, active high
  on_interrupt sci_vector, on_sci
  apic_on
  ioapic_write 0x10 + 2 * 9 + 1, 0
  mov dword [ioapic], 0x10 + 2 * 9
  or ecx, sci_vector
  mov [ioapic + 0x10], ecx
  mov al, 0xf1
  out 0xb2, al

  ; It never goes back, and writing it does nothing.
  pm_time
  mov ebx, eax
  mov ecx, 10000
.forward:
  pm_time
  cmp eax, ebx
  check_if ae
  mov ebx, eax
  dec ecx
  jnz .forward
  mov edx, [pm_timer]
  mov eax, 0xffffff
  out dx, eax
  pm_time
  sub eax, ebx
  cmp eax, 100
  check_if b

  ; The first toggle, 2.34 s after power-on. The first interrupt leaves the status as it is, so that it comes again.
  call note_times
  set_pm_status 0xffff
  pm_status
  check_eq eax, 0
  set_pm_enable 1
  mov dword [clear_at], 2
  call wait_sci
  check_eq dword [interrupts], 2
  check_eq dword [statuses], 1
  pm_time
  and eax, 0xf00000
  check_eq eax, 0x800000
  mov eax, [at_interrupt]
  cmp eax, 0x800100                             ; at once: 256 cycles are 71 us
  check_if b
  call in_step

  ; The second: the timer wraps.
  mov dword [clear_at], 1
  call wait_sci
  check_eq dword [interrupts], 1
  mov eax, [at_interrupt]
  cmp eax, 0x100
  check_if b
  call in_step

  ; The third, without being enabled: the status rises alone. A zero does not clear it, nor does another bit's one.
  set_pm_enable 0
  mov dword [interrupts], 0
  mov dword [clear_at], 1
  on_interrupt 0x42, on_timer
  mov dword [lapic_divide], 0xb
  mov dword [lapic_lvt_timer], 0x42
  mov dword [lapic_initial], 2400000000
  sti
  hlt
  cli
  check_eq dword [timers], 1
  check_eq dword [interrupts], 0
  pm_status
  check_eq eax, 1
  set_pm_status 0
  set_pm_status 0xfffe
  pm_status
  check_eq eax, 1
  ; Enabled now, it interrupts at once.
  set_pm_enable 1
  let_in
  check_eq dword [interrupts], 1
  pm_status
  check_eq eax, 0
  call in_step
  ; Masked at the IOAPIC while it rises, the level is seen when the mask goes: nothing is lost.
  mov dword [ioapic], 0x10 + 2 * 9
  or dword [ioapic + 0x10], 0x10000
  mov dword [interrupts], 0
  mov dword [lapic_initial], 2400000000
  sti
  hlt
  cli
  check_eq dword [timers], 2
  check_eq dword [interrupts], 0
  mov dword [ioapic], 0x10 + 2 * 9
  and dword [ioapic + 0x10], ~0x10000
  let_in
  check_eq dword [interrupts], 1
  pm_status
  check_eq eax, 0
  pass

wait_sci:                                       ; until one has cleared the status, and nothing comes after it
  mov dword [interrupts], 0
.wait:
  sti
  hlt
  cli
  pm_status
  test al, 1
  jnz .wait
  let_in
  ret

; [counter], [timer]: now, for in_step
note_times:
  rdtsc
  mov [counter], eax
  mov [counter + 4], edx
  pm_time
  mov [timer], eax
  ret

; Since the last time the timer has gone on as the time-stamp counter has: 3579545 for 10^9, to 10 cycles. Up to 4.6 s.
in_step:
  mov ebx, [counter]
  mov ecx, [counter + 4]
  mov esi, [timer]
  call note_times
  mov edi, [timer]
  sub edi, esi
  and edi, 0xffffff
  mov eax, [counter]
  mov edx, [counter + 4]
  sub eax, ebx
  sbb edx, ecx
  ; As multiples of 1024 ns, so that it fits: at most 2^22.2 of them; times 3579545, over 976562.5
  shrd eax, edx, 10
  mov ecx, 3579545 * 2
  mul ecx
  mov ecx, 1953125
  div ecx
  sub eax, edi
  add eax, 10
  cmp eax, 20
  check_if be
  ret

on_sci:
  mov edx, [pm_timer]
  in eax, dx
  mov [at_interrupt], eax
  inc dword [interrupts]
  mov edx, [pm_event]
  in ax, dx
  movzx eax, ax
  mov [statuses], eax
  mov ecx, [interrupts]
  cmp ecx, [clear_at]
  jb .leave
  out dx, ax
.leave:
  mov dword [lapic_eoi], 0
  ret
on_timer:
  inc dword [timers]
  mov dword [lapic_eoi], 0
  ret
  align 8
counter: dq 0
timer: dd 0
at_interrupt: dd 0
interrupts: dd 0
statuses: dd 0
clear_at: dd 0
timers: dd 0
  irq_routines
  acpi_routines
guest_end
