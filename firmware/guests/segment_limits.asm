; Segment limits, types and rights in 32-bit protected mode, byte for byte.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

slot equ sel_free
other equ sel_free + 8

main:
  mov edi, scratch
  mov ecx, 0x5000
  mov al, 0x5a
  rep stosb
  mov ebx, slot

  ; Expand-up, byte-granular: offsets 0..FFFh
  set_descriptor slot, scratch, 0xfff, 0x4092
  mov fs, bx
  mov al, [gdt + slot + 5]
  and eax, 1
  check_eq eax, 1                               ; loading set the accessed bit
  mov eax, [fs:0xffc]
  check_eq eax, 0x5a5a5a5a
  mov al, [fs:0xfff]
  expect_fault 13, 0, mov eax, [fs:0xffd]
  expect_fault 13, 0, mov al, [fs:0x1000]
  expect_fault 13, 0, mov byte [fs:0xffffffff], 1
  expect_fault 13, 0, fld tword [fs:0xff8]
  ; The same by pages
  set_descriptor slot, scratch, 0, 0xc093
  mov fs, bx
  mov eax, [fs:0xffc]
  expect_fault 13, 0, mov eax, [fs:0xffd]

  ; Expand-down: above the limit, up to FFFFFFFFh or FFFFh
  set_descriptor slot, scratch, 0xfff, 0x4097
  mov fs, bx
  mov eax, [fs:0x1000]
  expect_fault 13, 0, mov al, [fs:0xfff]
  expect_fault 13, 0, mov eax, [fs:0xffe]
  set_descriptor slot, scratch, 0xfff, 0x0097
  mov fs, bx
  mov eax, [fs:0xfffc]
  expect_fault 13, 0, mov eax, [fs:0xfffd]
  expect_fault 13, 0, mov al, [fs:0x10000]

  ; A base near the top wraps around at 4 GiB.
  set_descriptor slot, 0xfffff000, 0xfffff, 0xc093
  mov fs, bx
  mov dword [scratch], 0x12345678
  check_eq dword [fs:scratch + 0x1000], 0x12345678

  ; Rights
  set_descriptor slot, 0, 0xfffff, 0xc091        ; read-only
  mov fs, bx
  mov eax, [fs:scratch]
  expect_fault 13, 0, mov [fs:scratch], eax
  expect_fault 13, 0, lock inc dword [fs:scratch]
  expect_fault 13, slot, mov ss, bx
  set_descriptor slot, 0, 0xfffff, 0xc09b        ; readable code
  mov fs, bx
  mov eax, [fs:scratch]
  expect_fault 13, 0, mov [fs:scratch], eax
  expect_fault 13, 0, mov [cs:scratch], eax
  set_descriptor slot, 0, 0xfffff, 0xc099        ; execute-only code
  expect_fault 13, slot, mov fs, bx
  set_descriptor slot, 0, 0xfffff, 0xc0f3        ; DPL 3 for the stack of ring 0
  expect_fault 13, slot, mov ss, bx
  set_descriptor slot, 0, 0xfffff, 0xc093
  mov ecx, slot | 3                              ; RPL above DPL
  expect_fault 13, slot, mov fs, cx
  set_descriptor slot, 0, 0xfffff, 0x0082        ; a system descriptor
  expect_fault 13, slot, mov fs, bx

  ; The stack segment: #SS(0)
  set_descriptor slot, scratch, 0xfff, 0x4093
  mov edx, esp
  mov ss, bx
  mov esp, 0x800
  mov ebp, 0xffc
  mov eax, [ebp]
  mov ebp, 0xffd
  expect_fault 12, 0, mov eax, [ebp]
  expect_fault 12, 0, mov [ss:0x1000], eax
  expect_fault 12, 0, pop dword [ebp]
  mov eax, esp
  check_eq eax, 0x800                           ; the failed POP moved nothing
  mov eax, sel_data
  mov ss, ax
  mov esp, edx

  ; A code segment that ends between two instructions, and inside one
  set_descriptor slot, linear(short_code), 1, 0x409b
  expect_begin ran_out
  jmp slot:0
ran_out:
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], 0
  check_eq dword [seen_ip], 2
  check_eq dword [seen_cs], slot
  set_descriptor slot, linear(short_code), 3, 0x409b
  expect_begin cut
  jmp slot:2
cut:
  check_eq dword [seen_vector], 13
  check_eq dword [seen_ip], 2
  ; A jump beyond the limit faults at the jump.
  set_descriptor slot, 0, 0x0fff, 0x409b
  expect_fault 13, 0, jmp slot:0x1000

  ; LAR, LSL, VERR, VERW
  set_descriptor slot, 0, 0x12345, 0x8091
  xor eax, eax
  lar eax, ebx
  check_if z
  and eax, 0xf0ff00
  check_eq eax, 0x809100
  lsl eax, ebx
  check_if z
  check_eq eax, 0x12345fff
  verr bx
  check_if z
  verw bx
  check_if nz
  mov ecx, 0xfff8
  lar eax, ecx
  check_if nz
  xor ecx, ecx
  lsl eax, ecx
  check_if nz

  ; A local descriptor table: selectors with bit 2, error codes too
  mov eax, [gdt + sel_data]
  mov [scratch + 0x100], eax
  mov eax, [gdt + sel_data + 4]
  mov [scratch + 0x104], eax
  set_descriptor other, scratch + 0x100, 7, 0x0082
  mov eax, other
  lldt ax
  mov ecx, 4
  mov fs, cx
  mov eax, [fs:scratch]
  mov ecx, 12
  expect_fault 13, 12, mov fs, cx
  sldt eax
  and eax, 0xffff
  check_eq eax, other
  xor eax, eax
  lldt ax
  mov ecx, 4
  expect_fault 13, 4, mov gs, cx
  pass

short_code:
  nop
  nop
  mov eax, 1
guest_end
