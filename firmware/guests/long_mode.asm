; Into 64-bit mode, what is different there, compatibility mode, and back out.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 200000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

main:
  enter_long_mode
  mov ecx, 0xc0000080
  rdmsr
  and eax, 0xd00
  check_eq eax, 0xd00                           ; LMA, LME, NXE

  ; 32-bit results clear the upper half, 16-bit and 8-bit ones keep it.
  mov rax, -1
  mov eax, 5
  mov rbx, 5
  check_eq64 rax, rbx
  mov rax, -1
  mov ax, 5
  mov rbx, 0xffffffffffff0005
  check_eq64 rax, rbx
  mov rax, -1
  mov al, 5
  mov rbx, 0xffffffffffffff05
  check_eq64 rax, rbx
  mov rcx, -1
  mov rax, 0x123456789
  xor edx, edx
  cmovc ecx, eax                                ; not taken: still clears the upper half
  mov ebx, 0xffffffff
  check_eq64 rcx, rbx
  movsxd rax, dword [minus_two]
  check_eq64 rax, -2
  ; SPL needs a REX prefix; without it the same number is AH.
  mov rax, 0x1122
  mov rdx, rsp
  movzx ebx, ah
  check_eq ebx, 0x11
  movzx ebx, spl
  movzx ecx, dl
  check_eq ebx, ecx
  ; A 64-bit shift count has six bits.
  mov rax, 1
  mov cl, 33
  shl rax, cl
  mov rbx, 1 << 33
  check_eq64 rax, rbx
  ; 67h: addresses of 32 bits
  mov rax, 0xffffffff00000000 + scratch
  mov dword [abs scratch], 0x31415926
  check_eq dword [eax], 0x31415926

  ; Canonical addresses
  mov rax, 0x0000800000000000
  expect_fault 13, 0, mov ebx, [rax]
  mov rax, 0xffff7ffffffffffc
  expect_fault 13, 0, mov [rax], ebx
  mov rbp, 0x8000000000000000
  expect_fault 12, 0, mov eax, [rbp]
  mov rax, 0x00007ffffffffffd                   ; the last bytes would be outside
  expect_fault 13, 0, mov ebx, [rax]
  mov rax, 0x0000800000000000
  expect_fault 13, 0, jmp rax
  mov ecx, 0xc0000100
  mov edx, 0x00008000
  xor eax, eax
  expect_fault 13, 0, wrmsr

  ; Opcodes that are gone
  expect_fault 6, 0, db 0x06                    ; PUSH ES
  expect_fault 6, 0, db 0x60                    ; PUSHA
  expect_fault 6, 0, db 0x27                    ; DAA
  expect_fault 6, 0, db 0xd4, 10                ; AAM
  expect_fault 6, 0, db 0xce                    ; INTO
  expect_fault 6, 0, db 0x82, 0xc0, 1           ; ADD, the old copy
  expect_fault 6, 0, db 0x9a, 0, 0, 0, 0, 8, 0  ; CALL far, direct
  expect_fault 6, 0, db 0xc5, 0xf8, 0x77        ; VZEROUPPER: no AVX here

  ; FS and GS bases; SWAPGS
  mov ecx, 0xc0000100
  mov eax, scratch
  xor edx, edx
  wrmsr
  mov dword [abs scratch + 0x10], 77
  check_eq dword [fs:0x10], 77
  mov ecx, 0xc0000101
  mov eax, 0x55555000
  mov edx, 0xffff8000
  wrmsr
  mov ecx, 0xc0000102
  mov eax, scratch + 0x100
  xor edx, edx
  wrmsr
  swapgs
  mov dword [abs scratch + 0x110], 88
  check_eq dword [gs:0x10], 88
  mov ecx, 0xc0000102
  rdmsr
  check_eq eax, 0x55555000
  check_eq edx, 0xffff8000
  ; A selector load replaces the base; limits and DS bases do not count.
  mov eax, sel_data
  mov fs, ax
  mov ecx, 0xc0000100
  rdmsr
  or eax, edx
  check_eq eax, 0
  set_descriptor sel_free, 0x12340000, 0, 0x4093
  mov eax, sel_free
  mov ds, ax
  mov eax, [abs scratch]                        ; neither base nor limit
  check_eq eax, 0x31415926
  xor eax, eax
  mov ds, ax
  mov es, ax
  mov eax, [abs scratch]                        ; null is fine
  check_eq eax, 0x31415926

  ; CR8 is the task priority.
  mov eax, 9
  mov cr8, rax
  mov rbx, cr8
  check_eq ebx, 9
  mov eax, 16
  expect_fault 13, 0, mov cr8, rax
  xor eax, eax
  mov cr8, rax

  ; Interrupt frames are aligned to 16 bytes, and hold SS:RSP always.
  mov rbx, rsp
  and rsp, -16
  sub rsp, 8
  mov r12, rsp
  expect_trap 3, 0, int3
  check_eq64 qword [seen_sp], r12
  mov rsp, rbx
  ; Leaving PAE, or paging in one step with a compatibility-mode return, is refused or works as the manual says.
  mov rax, cr4
  and eax, ~0x20
  expect_fault 13, 0, mov cr4, rax
  ; A return to code with both L and D is a #GP of its selector.
  set_descriptor sel_free, 0, 0xfffff, 0xe09b
  push qword sel_free
  lea rax, [never]
  push rax
  expect_fault 13, sel_free, retfq
  add rsp, 16
never:

  ; Compatibility mode: old opcodes, 32-bit addresses, segment limits
  mov eax, sel_data
  mov ds, ax
  mov es, ax
  mov ss, ax
  push qword sel_code
  lea rax, [compatible]
  push rax
  retfq
bits 32
compatible:
  mov eax, 1
  db 0x40                                       ; INC EAX, not a REX prefix
  mov ecx, eax
  aam 10
  daa
  pushad
  popad
  cmp ecx, 2
  je .good
  exit_with 120
.good:
  jmp sel_code64:.long_again
bits 64
.long_again:
  mov rax, 0x123456789abcdef0
  mov rbx, rax
  check_eq64 rax, rbx

  ; Out: compatibility mode, paging off, then 32-bit mode
  push qword sel_code
  lea rax, [leave_it]
  push rax
  retfq
bits 32
leave_it:
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov ecx, 0xc0000080
  rdmsr
  test eax, 0x400
  jz .left
  exit_with 121
.left:
  and eax, ~0x100
  wrmsr
  mov eax, cr4
  and eax, ~0x20
  mov cr4, eax
  call build_idt_32
  expect_trap 3, 0, int3
  pass

minus_two: dd -2
  long_mode_runtime
guest_end
