; Every exception of 32-bit protected mode with its error code and saved EIP.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

main:
  ; #DE: fault
  xor edx, edx
  xor ecx, ecx
  mov eax, 1
  expect_fault 0, 0, div ecx
  mov eax, 0x80000000
  mov edx, -1
  mov ecx, -1
  expect_fault 0, 0, idiv ecx
  expect_fault 0, 0, aam 0

  ; #DB through ICEBP and through INT 1: traps
  expect_trap 1, 0, db 0xf1
  expect_trap 1, 0, int 1
  ; #BP, #OF: traps
  expect_trap 3, 0, int3
  expect_trap 3, 0, int 3
  mov eax, 0x7fffffff
  add eax, 1
  expect_trap 4, 0, into
  xor eax, eax
  into                              ; OF clear: nothing
  ; #BR: fault
  mov dword [scratch], 10
  mov dword [scratch + 4], 20
  mov eax, 9
  expect_fault 5, 0, bound eax, [scratch]
  mov eax, 21
  expect_fault 5, 0, bound eax, [scratch]
  mov eax, 20
  bound eax, [scratch]
  ; #UD
  expect_fault 6, 0, ud2
  expect_fault 6, 0, db 0x0f, 0xff, 0xc0
  expect_fault 6, 0, db 0xf0, 0x90              ; LOCK NOP
  expect_fault 6, 0, db 0xf0, 0x03, 0x00        ; LOCK ADD r, m
  expect_fault 6, 0, db 0x8e, 0xc8              ; MOV CS, AX
  expect_fault 6, 0, db 0x0f, 0x20, 0xc8        ; MOV EAX, CR1
  expect_fault 6, 0, db 0x8d, 0xc0              ; LEA with a register

  ; #NM: EM, TS, and WAIT with MP
  mov eax, cr0
  mov esi, eax
  or eax, 4
  mov cr0, eax
  expect_fault 7, 0, fld1
  expect_fault 6, 0, xorps xmm0, xmm0           ; EM: SSE is #UD (and OSFXSR is clear)
  mov eax, esi
  and eax, ~4
  or eax, 8
  mov cr0, eax
  expect_fault 7, 0, fld1
  mov ecx, eax
  and eax, ~2
  mov cr0, eax
  wait                                          ; TS without MP: nothing
  or eax, 2
  mov cr0, eax
  expect_fault 7, 0, wait
  clts
  wait
  mov eax, cr0
  and eax, 8
  check_eq eax, 0
  mov cr0, esi

  ; #GP(0): privileged values, null selectors; #GP(selector): beyond the table
  mov ecx, 0x12345678
  expect_fault 13, 0, rdmsr
  xor eax, eax
  mov fs, ax
  expect_fault 13, 0, mov eax, [fs:0]
  mov eax, 0xfff0
  expect_fault 13, 0xfff0, mov fs, ax
  mov eax, 0xfff7
  expect_fault 13, 0xfff4, mov fs, ax           ; LDT bit; RPL is not in the error code
  expect_fault 13, 0, mov ss, [null_selector]
  expect_fault 13, 0, jmp 0:0
  ; INT to a gate beyond the table: error = vector * 8 + 2
  lidt [short_idt]
  expect_fault 13, 0x40 * 8 + 2, int 0x40
  lidt [idt_pointer_32]
  ; PG without PE, NW without CD: #GP(0)
  mov eax, cr0
  or eax, 0x80000000
  and eax, ~1
  expect_fault 13, 0, mov cr0, eax
  mov eax, cr0
  or eax, 0x20000000
  and eax, ~0x40000000
  expect_fault 13, 0, mov cr0, eax
  mov eax, cr4
  or eax, 1 << 31
  expect_fault 13, 0, mov cr4, eax

  ; #NP(selector) for a data segment, for an interrupt gate (+2, +0 as software INT), #SS(selector) for the stack
  mov dword [gdt + sel_free], 0x0000ffff
  mov dword [gdt + sel_free + 4], 0x00cf1300    ; data, not present
  mov eax, sel_free
  expect_fault 11, sel_free, mov fs, ax
  expect_fault 12, sel_free, mov ss, ax
  and byte [idt + 8 * 0x41 + 5], 0x7f
  expect_fault 11, 0x41 * 8 + 2, int 0x41
  ; #NP for an LDT and a TSS that are not present
  mov dword [gdt + sel_free], 0x0000ffff
  mov dword [gdt + sel_free + 4], 0x00000200
  expect_fault 11, sel_free, lldt ax
  mov dword [gdt + sel_free + 4], 0x00000900
  expect_fault 11, sel_free, ltr ax
  ; LTR of a busy TSS: #GP(selector)
  mov eax, sel_tss
  expect_fault 13, sel_tss, ltr ax

  ; #TS: IRET with NT set and no valid back link
  mov word [tss], 0
  pushfd
  or dword [esp], 0x4000
  popfd
  expect_begin nt_done
nt_at:
  iretd
nt_done:
  pushfd
  and dword [esp], ~0x4000
  popfd
  check_eq dword [seen_vector], 10
  check_eq dword [seen_error], 0
  check_eq dword [seen_ip], nt_at

  ; #DF: a #GP whose own gate is not present
  and byte [idt + 8 * 13 + 5], 0x7f
  xor eax, eax
  mov fs, ax
  expect_fault 8, 0, mov eax, [fs:0]
  or byte [idt + 8 * 13 + 5], 0x80

  ; #MF: an unmasked x87 exception is raised at the next waiting instruction; CR0.NE is set
  mov eax, cr0
  and eax, ~6
  or eax, 0x22
  mov cr0, eax
  fninit
  fldcw [x87_control]
  fld1
  fldz
  fdivp
  fnstsw ax
  expect_fault 16, 0, fld1
  fnclex
  fld1

  ; #XM: an unmasked SSE exception
  mov eax, cr4
  or eax, 0x600
  mov cr4, eax
  ldmxcsr [sse_control]
  movss xmm0, [one]
  xorps xmm1, xmm1
  expect_fault 19, 0, divss xmm0, xmm1
  stmxcsr [scratch]
  mov eax, [scratch]
  and eax, 0x3f
  check_eq eax, 4                               ; ZE
  mov eax, cr4
  and eax, ~0x400
  mov cr4, eax
  expect_fault 6, 0, divss xmm0, xmm1           ; OSXMMEXCPT clear: #UD instead
  expect_fault 13, 0, ldmxcsr [bad_sse_control]

  ; #AC: ring 3 only, with CR0.AM and EFLAGS.AC
  mov eax, cr0
  or eax, 0x40000
  mov cr0, eax
  user_run unaligned
  check_eq dword [seen_vector], 17
  check_eq dword [seen_error], 0
  check_eq dword [seen_ip], unaligned_at
  pushfd
  or dword [esp], 0x40000
  popfd
  mov eax, [scratch + 1]                        ; ring 0: no check
  pushfd
  and dword [esp], ~0x40000
  popfd

  ; Ring 3: privileged instructions, closed gates, I/O without permission
  user_run user_hlt
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], 0
  check_eq dword [seen_ip], user_hlt
  check_eq dword [seen_cs], sel_user_code
  check_eq dword [seen_ss], sel_user_data
  check_eq dword [seen_sp], user_stack
  user_run user_int
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], 0x80 * 8 + 2
  open_gate 0x80
  user_run user_int
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_ip], user_int + 2
  user_run user_out
  check_eq dword [seen_vector], 13
  user_run user_cli
  check_eq dword [seen_vector], 13
  user_run user_cr
  check_eq dword [seen_vector], 13
  pass

unaligned:
  pushfd
  or dword [esp], 0x40000
  popfd
unaligned_at:
  mov eax, [scratch + 1]
  ud2
user_hlt:
  hlt
user_int:
  int 0x80
user_out:
  out 0x80, al
user_cli:
  cli
user_cr:
  mov eax, cr0

null_selector: dw 0
x87_control: dw 0x037b                          ; zero divide unmasked
sse_control: dd 0x1d80                          ; zero divide unmasked
bad_sse_control: dd 0x00010000
one: dd 0x3f800000
short_idt:
  dw 0x3f * 8 + 7
  dd idt
guest_end
