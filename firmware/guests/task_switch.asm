; Hardware task switches with 32-bit TSSs: JMP, CALL with IRET, task gates, busy bits, back links, NT, TS, and refusals.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

other equ sel_free                              ; the second TSS
gate equ sel_free + 8
tss2 equ scratch
stack2 equ scratch + 0x2000

%macro check_busy 2                             ; selector, 1 or 0
  mov al, [gdt + (%1) + 5]
  shr al, 1
  and eax, 1
  check_eq eax, %2
%endmacro
; task2 entry: a fresh second task
%macro task2 1
  mov edi, tss2
  mov ecx, 26
  xor eax, eax
  rep stosd
  mov dword [tss2 + 32], %1
  mov dword [tss2 + 36], 2                      ; EFLAGS
  mov dword [tss2 + 40], 0xa0a0a0a0             ; EAX
  mov dword [tss2 + 44], 0xc1c1c1c1             ; ECX
  mov dword [tss2 + 48], 0xd2d2d2d2
  mov dword [tss2 + 52], 0xb3b3b3b3
  mov dword [tss2 + 56], stack2
  mov dword [tss2 + 60], 0xb5b5b5b5
  mov dword [tss2 + 64], 0x56565656
  mov dword [tss2 + 68], 0xd7d7d7d7
  mov dword [tss2 + 72], sel_data
  mov dword [tss2 + 76], sel_code
  mov dword [tss2 + 80], sel_data
  mov dword [tss2 + 84], sel_data
  mov dword [tss2 + 88], sel_data
  mov word [tss2 + 102], 104
  set_descriptor other, tss2, 0x67, 0x0089
%endmacro

main:
  check_busy sel_tss, 1

  ; JMP: all registers come from the TSS, ours go into the old one; the busy bit moves; no nesting
  task2 jumped_to
  mov eax, 0x11111111
  mov ebx, 0x22222222
  mov ebp, 0x33333333
  mov [saved_esp], esp
  jmp other:0
back_by_jump:
  check_eq ebx, 0x22222222
  check_eq ebp, 0x33333333
  check_eq esp, [saved_esp]
  check_busy sel_tss, 1
  check_busy other, 0
  check_eq dword [tss + 32], back_by_jump
  check_eq dword [tss + 40], 0x11111111
  check_eq dword [tss2 + 44], 0x77777777
  check_eq dword [tss2 + 32], after_jump_back
  mov eax, cr0
  and eax, 8
  check_eq eax, 8                               ; every switch sets TS
  clts

  ; CALL: nested; NT set, back link written, both busy; IRET returns
  task2 called
  call other:0
  check_busy sel_tss, 1
  check_busy other, 0
  check_eq dword [witness], 1
  pushfd
  pop eax
  and eax, 0x4000
  check_eq eax, 0
  mov eax, [tss2 + 36]
  and eax, 0x4000
  check_eq eax, 0                               ; IRET clears NT in the task it leaves
  check_eq dword [tss2 + 32], after_iret
  ; Called again, the task goes on behind its IRET.
  call other:0
  check_eq dword [witness], 2

  ; A software interrupt through a task gate
  task2 interrupted
  mov word [idt + 8 * 0x50 + 2], other
  mov byte [idt + 8 * 0x50 + 5], 0x85
  mov dword [witness], 0
  int 0x50
  check_eq dword [witness], 3
  ; An exception through one: the error code is pushed on the new task's stack
  task2 faulted
  mov eax, [idt + 8 * 13]
  mov [saved_gate], eax
  mov eax, [idt + 8 * 13 + 4]
  mov [saved_gate + 4], eax
  mov word [idt + 8 * 13 + 2], other
  mov byte [idt + 8 * 13 + 5], 0x85
  mov eax, 0xfff0
faulting:
  mov fs, ax
after_faulting:
  mov eax, [saved_gate]
  mov [idt + 8 * 13], eax
  mov eax, [saved_gate + 4]
  mov [idt + 8 * 13 + 4], eax
  check_eq dword [witness], 0xfff0

  ; A call through a task gate in the descriptor table
  task2 called
  mov dword [gdt + gate], other << 16
  mov dword [gdt + gate + 4], 0x00008500
  mov dword [witness], 0
  call gate:0
  check_eq dword [witness], 1

  ; Refusals, in the old task
  task2 called
  or byte [gdt + other + 5], 2
  expect_fault 13, other, jmp other:0           ; busy
  set_descriptor other, tss2, 0x66, 0x0089
  expect_fault 10, other, jmp other:0           ; too short
  set_descriptor other, tss2, 0x67, 0x0009
  expect_fault 11, other, jmp other:0           ; not present
  ; In the new task: a bad data segment. The saved EIP is the new task's first instruction.
  task2 called
  mov dword [tss2 + 84], 0xfff0
  expect_begin bad_segment
  on_interrupt 10, on_invalid_tss
  jmp other:0
bad_segment:
  check_eq dword [seen_vector], 10
  check_eq dword [seen_error], 0xfff0
  check_eq dword [seen_ip], called
  str ax
  movzx eax, ax
  check_eq eax, other
  check_busy sel_tss, 0
  ; A TSS with its T bit set: #DB with BT on entry
  mov byte [tss + 100], 1
  mov dword [tss + 32], trapped
  mov dword [tss + 36], 2
  mov dword [tss + 56], kernel_stack
  expect_begin after_trap
  jmp sel_tss:0
trapped:
  exit_with 118
after_trap:
  check_eq dword [seen_vector], 1
  check_eq dword [seen_ip], trapped
  mov eax, [seen_dr6]
  and eax, 0x8000
  check_eq eax, 0x8000
  pass

jumped_to:
  check_eq eax, 0xa0a0a0a0
  check_eq ecx, 0xc1c1c1c1
  check_eq edx, 0xd2d2d2d2
  check_eq ebx, 0xb3b3b3b3
  check_eq esp, stack2
  check_eq ebp, 0xb5b5b5b5
  check_eq esi, 0x56565656
  check_eq edi, 0xd7d7d7d7
  check_busy sel_tss, 0
  check_busy other, 1
  pushfd
  pop eax
  and eax, 0x4000
  check_eq eax, 0
  mov ecx, 0x77777777
  jmp sel_tss:0
after_jump_back:
  ud2

called:
  check_busy sel_tss, 1
  check_busy other, 1
  movzx eax, word [tss2]
  check_eq eax, sel_tss
  pushfd
  pop eax
  and eax, 0x4000
  check_eq eax, 0x4000
  mov dword [witness], 1
  iretd
after_iret:
  mov dword [witness], 2
  iretd

interrupted:
  check_eq esp, stack2                          ; no error code
  mov dword [witness], 3
  iretd

faulted:
  check_eq esp, stack2 - 4
  pop dword [witness]
  check_eq dword [tss + 32], faulting
  mov dword [tss + 32], after_faulting
  iretd

on_invalid_tss:
  mov dword [ebp + 4], sel_data                 ; the saved DS holds the bad selector
  mov eax, [ebp + frame_error]
  mov [seen_error], eax
  mov eax, [ebp + frame_ip]
  mov [seen_ip], eax
  mov dword [seen_vector], 10
  mov eax, [resume_at]
  mov [ebp + frame_ip], eax
  mov dword [resume_at], 0
  ret

saved_esp: dd 0
saved_gate: dd 0, 0
witness: dd 0
guest_end
