; Debug registers: instruction, data and I/O breakpoints, RF, GD, DR6 bits, DR4 and DR5.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

cell equ scratch + 0x100

; watch number, address, type (0 fetch, 1 write, 2 I/O, 3 read or write), length code (0 1 2 3 = 1 2 8 4 bytes)
%macro watch 4
  mov eax, %2
  mov dr%1, eax
  mov eax, (1 << (2 * (%1))) | ((%3) << (16 + 4 * (%1))) | ((%4) << (18 + 4 * (%1)))
  mov dr7, eax
%endmacro
%macro no_watch 0
  xor eax, eax
  mov dr7, eax
  mov eax, 0xffff0ff0
  mov dr6, eax
%endmacro
%macro check_dr6 1
  mov eax, [seen_dr6]
  and eax, 0xe00f
  check_eq eax, %1
  no_watch
%endmacro
; Nothing may be reported.
%macro quiet 1+
  mov dword [seen_vector], -1
  mov dword [resume_at], %%after
  %1
%%after:
  check_eq dword [seen_vector], -1
%endmacro

main:
  mov eax, dr7
  and eax, 0xffff2fff
  check_eq eax, 0x400                           ; power-on
  mov eax, dr6
  check_eq eax, 0xffff0ff0

  ; Instruction breakpoint: a fault before it. RF is clear in the saved flags, unlike with any other fault.
  watch 0, fetched, 0, 0
  expect_begin after_fetch
fetched:
  inc dword [cell]
after_fetch:
  check_eq dword [seen_vector], 1
  check_eq dword [seen_ip], fetched
  mov eax, [seen_flags]
  and eax, 0x10000
  check_eq eax, 0
  check_dr6 1
  expect_fault 6, 0, ud2
  mov eax, [seen_flags]
  and eax, 0x10000
  check_eq eax, 0x10000
  ; Returning with RF set executes it once, without a second report.
  mov dword [cell], 0
  on_interrupt 1, on_debug
  mov dword [hits], 0
  watch 1, again, 0, 0
  mov ecx, 3
.loop:
again:
  inc dword [cell]
  loop again
  no_watch
  check_eq dword [hits], 3
  check_eq dword [cell], 3
  on_interrupt 1, 0

  ; Data: a trap after the access, only for matching kind and bytes
  watch 2, cell, 1, 3
  expect_trap 1, 0, mov dword [cell], 1
  check_dr6 4
  watch 2, cell, 1, 3
  quiet mov eax, [cell]
  quiet mov byte [cell + 4], 1
  quiet mov dword [cell - 4], 1
  expect_trap 1, 0, mov byte [cell + 3], 1
  check_dr6 4
  watch 2, cell, 1, 3
  expect_trap 1, 0, mov dword [cell - 3], 1     ; overlaps by one byte
  check_dr6 4
  watch 3, cell, 3, 0
  expect_trap 1, 0, mov al, [cell]
  check_dr6 8
  watch 3, cell, 3, 0
  expect_trap 1, 0, mov [cell], al
  check_dr6 8
  watch 3, cell, 3, 1
  expect_trap 1, 0, test byte [cell + 1], 1
  check_dr6 8
  watch 0, cell, 1, 3
  expect_trap 1, 0, lock inc dword [cell]
  check_dr6 1
  ; In a string instruction: after the iteration that touches it
  mov edi, cell - 4
  mov ecx, 4
  xor eax, eax
  watch 1, cell, 1, 3
  mov dword [seen_vector], -1
  mov dword [resume_at], .stored
.string:
  rep stosd
.stored:
  check_eq dword [seen_vector], 1
  check_eq dword [seen_ip], .string
  check_eq ecx, 2
  check_eq edi, cell + 4
  check_dr6 2

  ; A breakpoint that is not enabled is silent.
  watch 0, cell, 1, 3
  xor eax, eax
  mov dr7, eax
  quiet mov dword [cell], 1
  no_watch

  ; I/O breakpoints need CR4.DE.
  mov eax, cr4
  or eax, 8
  mov cr4, eax
  watch 1, 0x80, 2, 0
  expect_trap 1, 0, out 0x80, al
  check_dr6 2
  watch 1, 0x80, 2, 0
  quiet out 0x81, al
  no_watch
  ; With DE set DR4 and DR5 do not exist, without it they are DR6 and DR7.
  expect_fault 6, 0, db 0x0f, 0x21, 0xe0        ; MOV EAX, DR4
  mov eax, cr4
  and eax, ~8
  mov cr4, eax
  db 0x0f, 0x21, 0xe0
  check_eq eax, 0xffff0ff0

  ; GD: any access to a debug register is a fault with BD, and clears GD.
  mov eax, 0x2000
  mov dr7, eax
  expect_fault 1, 0, mov eax, dr0
  mov eax, [seen_dr6]
  and eax, 0xe00f
  check_eq eax, 0x2000
  mov eax, dr7
  and eax, 0x2000
  check_eq eax, 0
  no_watch
  ; Ring 3 may not touch them.
  user_run user_debug
  check_eq dword [seen_vector], 13

  ; MOV SS holds a data breakpoint's trap back by one instruction.
  mov dword [cell], sel_data
  watch 0, cell, 3, 1
  mov dword [seen_vector], -1
  mov dword [resume_at], .held
  mov ss, [cell]
  nop
.behind:
  nop
.held:
  check_eq dword [seen_vector], 1
  check_eq dword [seen_ip], .behind
  check_dr6 1
  pass

user_debug:
  mov eax, dr7
on_debug:
  inc dword [hits]
  mov eax, 0xffff0ff0
  mov dr6, eax
  or dword [ebp + frame_flags], 0x10000
  ret
hits: dd 0
guest_end
