; How Windows' HAL finds the processor's frequency: the RTC's 1024 Hz interrupt through the IOAPIC, register C read each
; time, sixteen samples of the time-stamp counter, a straight line through them. The line must be within 0.1 % of the
; 1 GHz that the counter has, and no sample may be far from it; once halting between interrupts and once spinning.
; passes-on: none
; needs: pic rtc lapic ioapic
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000000
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_apic.inc"
%include "lib_rtc.inc"
guest_multiboot

samples equ 16
; 1024 Hz against 1 GHz. With x from -15 to 15 in steps of 2 the slope of the line is the sum of x * y over 680.
period equ 1953125 / 2
weighted equ 664062500
tolerance equ weighted / 1000

main:
  call pic_setup                                ; the 8259 pair stays masked
  on_interrupt 0xd1, on_clock                   ; CLOCK_LEVEL's vector
  apic_on
  rtc_write 0xa, 0x26                           ; 32768 Hz, rate 6
  rtc_read 0xb
  and al, 0x8f
  mov [register_b], al
  rtc_read 0xc
  ioapic_write 0x10 + 2 * 8 + 1, 0
  ioapic_write 0x10 + 2 * 8, 0x000000d1         ; edge, active high, fixed
  mov bl, [register_b]
  or bl, 0x40
  rtc_write 0xb, bl

  call begin
.halting:
  hlt
  cmp dword [count], samples
  jl .halting
  call judge
  call begin
.spinning:
  pause
  cmp dword [count], samples
  jl .spinning
  call judge

  ; Off: nothing more comes, and nothing waits.
  mov bl, [register_b]
  rtc_write 0xb, bl
  rtc_read 0xc
  mov dword [count], 0
  mov dword [lapic_divide], 0xb
  mov dword [lapic_lvt_timer], 0x42
  on_interrupt 0x42, on_timer
  mov dword [lapic_initial], 5000000            ; five periods
  sti
  hlt
  cli
  check_eq dword [count], 0
  check_eq dword [timers], 1
  rtc_read 0xc
  and eax, 0x80
  check_eq eax, 0
  pass

begin:                                          ; the first interrupt only says where a period begins
  cli
  mov dword [count], -1
  mov dword [kinds_or], 0
  mov dword [kinds_and], 0xff
  sti
  ret

judge:
  cli
  check_eq dword [kinds_or], 0xc0               ; IRQF and PF each time, and nothing else
  check_eq dword [kinds_and], 0xc0
  ; Times since the first sample, the weighted sum of them in EBX
  xor ebx, ebx
  xor ecx, ecx
  mov edi, -15
.sample:
  mov eax, [stamps + 8 * ecx]
  mov edx, [stamps + 8 * ecx + 4]
  sub eax, [stamps]
  sbb edx, [stamps + 4]
  check_eq edx, 0
  push eax
  imul eax, edi
  add ebx, eax
  ; Each within 2 us of its place.
  mov eax, 1953125
  mul ecx
  shr eax, 1
  pop edx
  sub eax, edx
  add eax, 2000
  cmp eax, 4000
  check_if be
  add edi, 2
  inc ecx
  cmp ecx, samples
  jb .sample
  mov eax, ebx
  sub eax, weighted - tolerance
  cmp eax, 2 * tolerance
  check_if be
  ret

on_clock:
  rdtsc
  mov ecx, [count]
  cmp ecx, samples
  jge .acknowledge
  test ecx, ecx
  js .acknowledge
  mov [stamps + 8 * ecx], eax
  mov [stamps + 8 * ecx + 4], edx
.acknowledge:
  rtc_read 0xc
  cmp ecx, -1
  je .first                                     ; which may have waited since long ago
  or [kinds_or], eax
  and [kinds_and], eax
.first:
  cmp ecx, samples
  jge .done
  inc dword [count]
.done:
  mov dword [lapic_eoi], 0
  ret
on_timer:
  inc dword [timers]
  mov dword [lapic_eoi], 0
  ret
  align 8
stamps: times samples dq 0
count: dd samples
kinds_or: dd 0
kinds_and: dd 0
timers: dd 0
register_b: db 0
  irq_routines
guest_end
