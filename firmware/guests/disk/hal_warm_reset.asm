; A warm restart as Windows 7 makes it, or dies of bug check 5Ch (10Bh) after it: while the RTC's periodic interrupt is on, in
; service and not acknowledged, the machine is reset, by each of the ways there are. Memory keeps what it has, interrupts are
; off and forgotten everywhere, and once enabled again they come at 1024 Hz.
; passes-on: none
; needs: rtc pic lapic ioapic keyboard
; boot: disk
; expect: exit 0
; expect-serial: "reset by the 8259's interrupt and CF9h"
; expect-ticks-max: 60000000000
; memory: 64
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_apic.inc"
%include "lib_rtc.inc"
guest_multiboot

clock equ 0xd1                                  ; vector by the IOAPIC
watchdog equ 0x42
pic_clock equ 0x28                              ; and by the 8259
stage equ 0x7e                                  ; in CMOS RAM, which has a battery
kept equ scratch + 0x80000                      ; 4 KiB that a warm reset leaves
periods equ 64

main:
  rdtsc
  mov [tsc_now], eax
  mov [tsc_now + 4], edx
  rtc_read stage
  mov [turn], eax
  test eax, eax
  jz .first

  ; Behind a reset
  mov edi, kept
  mov ecx, 1024
  mov eax, [turn]
.word:
  check_eq dword [edi], eax
  add eax, 0x01010101
  add edi, 4
  loop .word
  rtc_read 0xb
  and eax, 0x70                                 ; PIE, AIE, UIE
  check_eq eax, 0
  rtc_read 0xc
  and eax, 0x80
  check_eq eax, 0
  mov dword [ioapic], 0x10 + 2 * 8
  mov eax, [ioapic + 0x10]
  and eax, 0x1d000                              ; masked; nothing sent, nothing waits for its end
  check_eq eax, 0x10000
  check_eq dword [lapic_isr + clock / 32 * 16], 0
  check_eq dword [lapic_irr + clock / 32 * 16], 0
  mov al, 0x0b                                  ; in service
  out 0xa0, al
  in al, 0xa0
  movzx eax, al
  check_eq eax, 0
  cmp dword [multiboot_information], 0
  je .first
  ; Without firmware the reset was just now, and the counter began with it.
  check_eq dword [tsc_now + 4], 0
  cmp dword [tsc_now], 1000000
  check_if b

.first:
  call pic_setup
  on_interrupt clock, on_clock
  on_interrupt pic_clock, on_pic_clock
  on_interrupt watchdog, on_watchdog
  apic_on
  mov dword [lapic_divide], 0xb
  mov dword [lapic_lvt_timer], watchdog

  ; Through the IOAPIC
  ioapic_write 0x10 + 2 * 8 + 1, 0
  ioapic_write 0x10 + 2 * 8, clock
  call measure
  ioapic_write 0x10 + 2 * 8, 0x10000 | clock
  ; And through the 8259, to the local APIC as ExtINT
  mov dword [lapic_lvt_lint0], 0x700
  mov al, 0xfb
  out 0x21, al
  mov al, 0xfe
  out 0xa1, al
  call measure
  mov al, 0xff
  out 0xa1, al
  cmp dword [turn], 4
  jne .again
  rtc_write stage, 0
  pass

  ; Once more, but the interrupt stays in service and register C is not read, and there is time for another.
.again:
  mov dword [acknowledge], 0
  cmp dword [turn], 3
  je .by_pic
  ioapic_write 0x10 + 2 * 8, clock
  jmp .dirty
.by_pic:
  mov al, 0xfe
  out 0xa1, al
.dirty:
  mov dword [count], 0
  call enable
  sti
.wait:
  hlt
  cmp dword [count], 0
  je .wait
  mov dword [lapic_initial], 3000000
  mov ecx, 3000000
.spin:
  loop .spin
  cli
  check_eq dword [count], 1
  mov al, 0xc                                   ; the index is left there, too
  out 0x70, al

  mov edx, [turn]
  inc edx
  mov edi, kept
  mov ecx, 1024
  mov eax, edx
.fill:
  stosd
  add eax, 0x01010101
  loop .fill
  mov bl, dl
  rtc_write stage, bl
  rtc_write 0x0f, 0                             ; the shutdown byte: start as from the beginning,
  mov word [0x472], 0x1234                      ; without testing memory
  mov eax, [turn]
  jmp [ways + 4 * eax]

by_cf9:
  say "reset by CF9h", 13, 10
cf9:
  mov dx, 0xcf9
  mov al, 2
  out dx, al
  mov al, 6
  out dx, al
  jmp never
by_keyboard_controller:
  say "reset by the keyboard controller", 13, 10
.full:
  in al, 0x64
  test al, 2
  jnz .full
  mov al, 0xfe
  out 0x64, al
  jmp never
by_port_92:
  say "reset by port 92h", 13, 10
  in al, 0x92
  and al, 0xfe
  out 0x92, al
  or al, 1
  out 0x92, al
  jmp never
by_cf9_from_pic:
  say "reset by the 8259's interrupt and CF9h", 13, 10
  jmp cf9
never:
  mov ecx, 100000000
.wait:
  loop .wait
  exit_with 100

; Periods of the RTC, each acknowledged: 1024 of them would be a second.
measure:
  mov dword [acknowledge], 1
  call enable
  mov dword [count], -1                         ; the first only says where a period begins
  mov dword [lapic_initial], 1000000000         ; they must come within a second
  sti
.wait:
  hlt
  cmp dword [count], periods
  jl .wait
  cli
  mov dword [lapic_initial], 0
  mov bl, [register_b]
  rtc_write 0xb, bl
  rtc_read 0xc
  mov eax, [last]
  sub eax, [began]
  sub eax, periods * 1953125 / 2 - 2000
  cmp eax, 4000
  check_if be
  ret
enable:
  rtc_write 0xa, 0x26
  rtc_read 0xb
  and al, 0x8f
  mov [register_b], al
  rtc_read 0xc
  mov bl, [register_b]
  or bl, 0x40
  rtc_write 0xb, bl
  ret

on_clock:
  call tick
  cmp dword [acknowledge], 0
  je .done
  mov dword [lapic_eoi], 0
.done:
  ret
on_pic_clock:
  call tick
  cmp dword [acknowledge], 0
  je .done
  mov al, 0x20
  out 0xa0, al
  out 0x20, al
.done:
  ret
tick:
  rdtsc
  mov [last], eax
  inc dword [count]
  jnz .counted
  mov [began], eax
.counted:
  cmp dword [acknowledge], 0
  je .done
  rtc_read 0xc
.done:
  ret
on_watchdog:
  cmp dword [acknowledge], 0
  je .done
  exit_with 101
.done:
  mov dword [lapic_eoi], 0
  ret
  align 8
tsc_now: dq 0
ways: dd by_cf9, by_keyboard_controller, by_port_92, by_cf9_from_pic
turn: dd 0
count: dd 0
began: dd 0
last: dd 0
acknowledge: dd 1
register_b: db 0
  irq_routines
guest_end
