; How Windows' HAL waits for a second: the RTC's update-in-progress flag rises, and rises again. Between the two the PM
; timer and the time-stamp counter say one second. The flag is up for 244 us and at no other time; the date changes when it
; falls and not before, and the update-ended flag comes with it.
; passes-on: none
; needs: acpi pic rtc lapic pci
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 6000000000
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_apic.inc"
%include "lib_rtc.inc"
%include "lib_acpi.inc"
guest_multiboot

main:
  call pic_setup
  acpi_find
  apic_on
  mov dword [lapic_divide], 0xb
  on_interrupt 0x42, on_timer
  rtc_write 0xa, 0x26
  rtc_read 0xc

  ; Three edges, two seconds: edges are polled for, the rest is looked at each 100 us. The first second began with the
  ; machine.
  mov dword [turn], 0
.second:
  call sleep_through
  call wait_rise
  mov ecx, [turn]
  call note
  call wait_fall
  inc dword [turn]
  cmp dword [turn], 3
  jb .second

  ; Rise to rise: 1 s by the counter (to 1 us: that is how exactly a poll sees it) and 3579545 by the PM timer.
%assign i 0
%rep 2
  mov eax, [stamps + 8 * (i + 1)]
  sub eax, [stamps + 8 * i]
  sub eax, 1000000000 - 1000
  cmp eax, 2000
  check_if be
  mov eax, [stamps + 8 * (i + 1) + 4]
  sub eax, [stamps + 8 * i + 4]
  and eax, 0xffffff
  sub eax, 3579545 - 4
  cmp eax, 8
  check_if be
%assign i i + 1
%endrep

  ; SET stops updates, so that there is no flag either.
  rtc_read 0xb
  or al, 0x80
  mov bl, al
  rtc_write 0xb, bl
  rtc_read 0xc
  mov dword [wakes], 0
  mov dword [lapic_lvt_timer], 0x20042
  mov dword [lapic_initial], 100000
.stopped:
  call wake
  rtc_read 0xa
  and eax, 0x80
  check_eq eax, 0
  cmp dword [wakes], 11000
  jb .stopped
  rtc_read 0xc
  and eax, 0x10
  check_eq eax, 0
  pass

; Up to 1 ms before the end of the second: down all the time, and the same date.
sleep_through:
  rtc_read 0
  mov [second], al
  mov dword [wakes], 0
  mov dword [lapic_lvt_timer], 0x20042          ; periodic
  mov dword [lapic_initial], 100000             ; 100 us
.again:
  call wake
  rtc_read 0xa
  and eax, 0x80
  check_eq eax, 0
  rtc_read 0
  mov bl, [second]
  movzx ebx, bl
  check_eq eax, ebx
  cmp dword [wakes], 9990
  jb .again
  mov dword [lapic_lvt_timer], 0x10042
  ret

wait_rise:
  rtc_read 0xa
  test al, 0x80
  jz wait_rise
  rdtsc
  mov [risen], eax
  rtc_read 0
  mov [second], al
  rtc_read 0xc                                  ; forget the update before
  ret

wait_fall:                                      ; what was read before the flag is as old as the flag
  rtc_read 0
  mov ebx, eax
  rtc_read 0xc
  mov ebp, eax
  rtc_read 0xa
  test al, 0x80
  jz .fallen
  movzx eax, byte [second]
  check_eq eax, ebx
  and ebp, 0x10
  check_eq ebp, 0
  jmp wait_fall
.fallen:
  rdtsc
  sub eax, [risen]
  sub eax, 244000 - 1000
  cmp eax, 2000
  check_if be
  ; The date is one second on, in BCD.
  rtc_read 0
  mov ebx, eax
  movzx eax, byte [second]
  add al, 1
  daa
  cmp al, 0x60
  jne .no_minute
  xor eax, eax
.no_minute:
  check_eq eax, ebx
  rtc_read 0xc                                  ; unless the read above had it
  or eax, ebp
  and eax, 0x90
  check_eq eax, 0x10                            ; UF, without an interrupt
  ret

note:                                           ; ECX: which
  mov edx, [pm_timer]
  in eax, dx
  mov [stamps + 8 * ecx + 4], eax
  mov eax, [risen]
  mov [stamps + 8 * ecx], eax
  ret

wake:
  sti
  hlt
  cli
  ret
on_timer:
  inc dword [wakes]
  mov dword [lapic_eoi], 0
  ret
turn: dd 0
wakes: dd 0
risen: dd 0
stamps: times 6 dd 0
second: db 0
  irq_routines
  acpi_routines
guest_end
