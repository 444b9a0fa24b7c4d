; SYSCALL and SYSRET in 64-bit mode, SYSENTER and SYSEXIT there, 64-bit and compatibility-mode ring 3.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

%macro write_msr 3                              ; index, low half, high half
  mov ecx, %1
  mov eax, %2
  mov edx, %3
  wrmsr
%endmacro

main:
  enter_long_mode
  open_gate64 0x80
  ; Without EFER.SCE both do not exist.
  expect_fault 6, 0, syscall
  mov ecx, 0xc0000080
  rdmsr
  or eax, 1
  wrmsr
  write_msr 0xc0000081, 0, sel_code64 | (sel_user_compat << 16)
  write_msr 0xc0000082, entered, 0
  write_msr 0xc0000084, 0x40700, 0              ; clear AC, DF, IF, TF
  mov ecx, 0xc0000082
  mov edx, 0x00008000
  xor eax, eax
  expect_fault 13, 0, wrmsr                     ; LSTAR must be canonical

  user_run64 user_call
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], sel_user_code64
  check_eq dword [seen_ss], sel_user_data64
  check_eq dword [seen_sp], user_stack          ; neither changes RSP
  check_eq dword [entered_cs], sel_code64
  check_eq dword [entered_ss], sel_data64
  mov eax, user_after
  check_eq64 [entered_rcx], rax
  mov eax, [entered_r11]
  and eax, 0x400
  check_eq eax, 0x400                           ; R11 has the caller's DF
  mov eax, [entered_flags]
  and eax, 0x40700
  check_eq eax, 0                               ; and the mask cleared it
  mov eax, [seen_flags]
  and eax, 0x400
  check_eq eax, 0x400                           ; SYSRET brought it back
  mov eax, sel_data64
  mov ss, ax

  ; SYSRET with 32-bit operand size goes to compatibility mode.
  mov [resume_sp], rsp
  mov dword [resume_at], .compatible_done
  mov ecx, user_compatible
  mov r11d, 2
  mov esp, user_stack
  sysret
.compatible_done:
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], sel_user_compat
  check_eq dword [seen_ss], sel_user_data64
  mov eax, sel_data64
  mov ss, ax
  ; SYSCALL is no instruction of compatibility mode on this vendor; SYSRET is none of ring 3.
  user_run64 user_compatible_call, sel_user_compat
  check_eq dword [seen_vector], 6
  mov eax, sel_data64
  mov ss, ax
  user_run64 user_return
  check_eq dword [seen_vector], 13
  mov eax, sel_data64
  mov ss, ax
  ; A return address that is not canonical: #GP(0), still in ring 0 on this vendor
  mov rcx, 0x0000800000000000
  mov r11d, 2
  expect_fault 13, 0, o64 sysret

  ; SYSENTER: to 64-bit code; SYSEXIT: to either width
  write_msr 0x174, sel_code64, 0
  write_msr 0x175, interrupt_stack, 0
  write_msr 0x176, sysentered, 0
  user_run64 user_enter
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], sel_user_code64
  check_eq dword [seen_ss], sel_user_data64b
  check_eq dword [entered_cs], sel_code64
  check_eq dword [entered_ss], sel_data64
  mov eax, sel_data64
  mov ss, ax
  user_run64 user_compatible_enter, sel_user_compat
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], sel_user_compat
  check_eq dword [seen_ss], sel_user_data64
  mov eax, sel_data64
  mov ss, ax
  pass

entered:
  mov [entered_rcx], rcx
  mov [entered_r11], r11
  mov ax, cs
  mov [entered_cs], ax
  mov ax, ss
  mov [entered_ss], ax
  mov rbx, rsp
  mov esp, interrupt_stack
  pushfq
  pop rax
  mov [entered_flags], rax
  mov rsp, rbx
  o64 sysret
sysentered:
  mov ax, cs
  mov [entered_cs], ax
  mov ax, ss
  mov [entered_ss], ax
  mov edx, esi
  mov ecx, user_stack
  cmp edi, 64
  je .wide
  sysexit
.wide:
  o64 sysexit

user_call:
  std
  syscall
user_after:
  int 0x80
user_return:
  o64 sysret
user_enter:
  mov edi, 64
  mov esi, user_after
  sysenter
bits 32
user_compatible:
  mov eax, 5
  db 0x40
  cmp eax, 6
  jne .bad
  int 0x80
.bad:
  ud2
user_compatible_call:
  syscall
user_compatible_enter:
  mov edi, 32
  mov esi, user_compatible
  sysenter
bits 64

align 8
entered_rcx: dq 0
entered_r11: dq 0
entered_cs: dq 0
entered_ss: dq 0
entered_flags: dq 0
  long_mode_runtime
guest_end
