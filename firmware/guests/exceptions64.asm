; Exceptions of 64-bit mode: error codes, saved RIP, IST stacks, ring 3, double fault, IRETQ.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 200000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

page equ window + 0x5000
%define entry(address) (window_table + ((address) - window) / 4096 * 8)

main:
  enter_long_mode
  xor ecx, ecx
  xor edx, edx
  expect_fault 0, 0, div rcx
  mov rax, 0x8000000000000000
  cqo
  mov rcx, -1
  expect_fault 0, 0, idiv rcx
  expect_trap 3, 0, int3
  expect_trap 1, 0, db 0xf1
  expect_fault 6, 0, ud2
  mov eax, 0xfff0
  expect_fault 13, 0xfff0, mov fs, ax
  lidt [short_idt]
  expect_fault 13, 0x40 * 8 + 2, int 0x40
  lidt [idt_pointer_64]

  ; #GP from an IDT entry that is no gate, #NP from one that is not present
  mov byte [abs idt + 16 * 0x41 + 5], 0x8c      ; call gate type
  expect_fault 13, 0x41 * 8 + 2, int 0x41
  mov byte [abs idt + 16 * 0x41 + 5], 0x0e
  expect_fault 11, 0x41 * 8 + 2, int 0x41

  ; #PF with no-execute
  mov byte [abs page], 0xc3
  mov dword [abs entry(page) + 4], 0x80000000
  invlpg [abs page]
  mov eax, page
  expect_fault_at 14, 0x11, page, call rax
  add rsp, 8
  check_eq64 qword [seen_cr2], page
  mov dword [abs entry(page) + 4], 0
  mov dword [abs entry(page)], page | 6
  invlpg [abs page]
  expect_fault 14, 2, inc dword [abs page]
  mov dword [abs entry(page)], page | 7
  mov dword [abs entry(page) + 4], 1 << (51 - 32)
  invlpg [abs page]
  expect_fault 14, 9, mov eax, [abs page]
  mov dword [abs entry(page) + 4], 0
  invlpg [abs page]
  ; An address in the upper half that nothing maps: a page fault, not a #GP
  mov rax, 0xffff800000001234
  expect_fault 14, 0, mov ebx, [rax]
  check_eq64 qword [seen_cr2], rax

  ; #DF: the #GP gate is not present. It arrives on its IST stack.
  mov dword [tss + 36], scratch + 0x1000        ; IST1
  mov byte [abs idt + 16 * 13 + 5], 0x0e
  gate_stack 8, 1
  on_interrupt 8, on_double_fault
  mov rax, 0x0000800000000000
  expect_begin after_double
  mov ebx, [rax]
after_double:
  check_eq dword [seen_vector], 8
  check_eq dword [seen_error], 0
  mov byte [abs idt + 16 * 13 + 5], 0x8e
  on_interrupt 8, 0
  mov eax, [double_stack]
  check_eq eax, scratch + 0x1000 - 6 * 8        ; error code and five words

  ; Ring 3: the frame is on RSP0; selectors carry RPL 3
  open_gate64 0x80
  user_run64 user_int
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], sel_user_code64
  check_eq dword [seen_ss], sel_user_data64
  check_eq dword [seen_sp], user_stack
  check_eq dword [seen_ip], user_int + 2
  user_run64 user_hlt
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], 0
  user_run64 user_int_closed
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], 0x90 * 8 + 2
  mov dword [abs entry(page)], page | 3
  invlpg [abs page]
  user_run64 user_read
  check_eq dword [seen_vector], 14
  check_eq dword [seen_error], 5
  user_run64 user_kernel_half
  check_eq dword [seen_vector], 13
  user_run64 user_in
  check_eq dword [seen_vector], 13
  ; After the switch to ring 0 SS is null with RPL 0.
  mov ax, ss
  movzx eax, ax
  check_eq eax, 0
  mov eax, sel_data64
  mov ss, ax
  ; Compatibility mode in ring 3
  user_run64 user_compatible, sel_user_compat
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], sel_user_compat
  mov eax, sel_data64
  mov ss, ax

  ; #AC in ring 3
  mov rax, cr0
  or eax, 0x40022                               ; AM, and NE and MP for what follows
  mov cr0, rax
  user_run64 user_unaligned
  check_eq dword [seen_vector], 17
  check_eq dword [seen_error], 0
  check_eq dword [seen_ip], user_unaligned_at
  mov eax, sel_data64
  mov ss, ax

  ; #XM and #MF
  mov rax, cr4
  or eax, 0x600
  mov cr4, rax
  ldmxcsr [sse_control]
  pcmpeqb xmm0, xmm0
  mov eax, 0x3f800000
  movd xmm0, eax
  xorps xmm1, xmm1
  expect_fault 19, 0, divss xmm0, xmm1
  movd eax, xmm0
  check_eq eax, 0x3f800000                      ; the destination is untouched
  fninit
  fldcw [x87_control]
  fld1
  fldz
  fdivp
  expect_fault 16, 0, fld1
  fninit

  ; IRETQ: a non-canonical RIP, and a null SS for ring 3
  mov eax, ss
  mov rbx, rsp
  push rax
  push rbx
  push qword 2
  push qword sel_code64
  mov rax, 0x0000800000000000
  push rax
  expect_begin bad_rip
  iretq
bad_rip:
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], 0
  mov rsp, rbx
  push qword 0
  push rbx
  push qword 2
  push qword sel_user_code64
  push qword user_int
  expect_fault 13, 0, iretq
  mov rsp, rbx
  pass

on_double_fault:
  mov [double_stack], rbp
  add dword [double_stack], frame64_error       ; where RSP pointed when the CPU had pushed its last word
  mov dword [seen_vector], 8
  mov rax, [rbp + frame64_error]
  mov [seen_error], rax
  mov eax, [resume_at]
  mov [rbp + frame64_ip], rax
  mov dword [resume_at], 0
  ret
double_stack: dq 0

user_int:
  int 0x80
user_hlt:
  hlt
user_int_closed:
  int 0x90
user_read:
  mov eax, [abs page]
  ud2
user_kernel_half:
  mov rax, 0x0000800000000000
  mov eax, [rax]
  ud2
user_in:
  in al, 0x80
  ud2
user_unaligned:
  pushfq
  or dword [rsp], 0x40000
  popfq
user_unaligned_at:
  mov eax, [abs scratch + 1]
  ud2
bits 32
user_compatible:
  mov eax, 5
  db 0x40
  cmp eax, 6
  jne .bad
  int 0x80
.bad:
  ud2

short_idt:
  dw 0x40 * 16 - 1
  dq idt
x87_control: dw 0x037b
sse_control: dd 0x1d80
  long_mode_runtime
guest_end
