; Accessed and dirty bits are exact at every level of the 64-bit page tables, with 4 KiB and 2 MiB pages.
; passes-on: qemu bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 200000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

page equ window + 0x5000
large equ 0x800000                              ; a 2 MiB page
%define entry(address) (window_table + ((address) - window) / 4096 * 8)
large_entry equ page_directories + 8 * (large >> 21)
directory_entry equ page_directories + 8 * (window >> 21)

; fresh: clears A and D of everything on the way and forgets cached translations
%macro fresh 0
  and dword [abs entry(page)], ~0x60
  and dword [abs entry(page + 0x1000)], ~0x60
  and dword [abs large_entry], ~0x60
  and dword [abs directory_entry], ~0x60
  mov rax, cr3
  mov cr3, rax
%endmacro
%macro check_bits 2
  mov eax, [abs %1]
  and eax, 0x60
  check_eq eax, %2
%endmacro
A equ 0x20
AD equ 0x60

main:
  enter_long_mode
  fresh
  check_bits entry(page), 0
  mov eax, [abs page]
  check_bits entry(page), A
  check_bits directory_entry, A
  check_bits entry(page + 0x1000), 0
  mov [abs page], eax                           ; after a read: D is set by the first write
  check_bits entry(page), AD
  fresh
  mov [abs page], eax
  check_bits entry(page), AD
  check_bits directory_entry, A                 ; no D in a table's entry

  fresh
  mov eax, [abs large]
  check_bits large_entry, A
  mov [abs large + 0x1ff000], eax
  check_bits large_entry, AD

  ; A fetch sets A only.
  mov byte [abs page + 8], 0xc3
  fresh
  mov eax, page + 8
  call rax
  check_bits entry(page), A

  ; Read-modify-write and a comparison that fails, with LOCK
  fresh
  inc dword [abs page]
  check_bits entry(page), AD
  fresh
  mov dword [abs page], 1
  fresh
  mov eax, 2
  lock cmpxchg [abs page], ecx
  check_if nz
  check_bits entry(page), AD
  ; An access across two pages marks both.
  fresh
  mov dword [abs page + 0xffe], 0
  check_bits entry(page), AD
  check_bits entry(page + 0x1000), AD

  ; A refused write sets no D.
  and dword [abs entry(page)], ~2
  fresh
  expect_fault 14, 3, mov [abs page], eax
  mov eax, [abs entry(page)]
  and eax, 0x40
  check_eq eax, 0
  or dword [abs entry(page)], 2
  ; LEA and INVLPG mark nothing, TEST and CMP only read.
  fresh
  lea rax, [abs page]
  invlpg [abs page]
  check_bits entry(page), 0
  test dword [abs page], 1
  check_bits entry(page), A
  cmp dword [abs page], 1
  check_bits entry(page), A

  ; String instructions
  fresh
  mov esi, page
  mov edi, page + 0x1000
  mov ecx, 4
  rep movsb
  check_bits entry(page), A
  check_bits entry(page + 0x1000), AD
  fresh
  mov edi, page
  xor ecx, ecx
  rep stosb                                     ; no iteration, no access
  check_bits entry(page), 0

  ; PUSH and CALL through a stack there
  fresh
  mov rbx, rsp
  mov esp, page + 0x800
  push rax
  mov rsp, rbx
  check_bits entry(page), AD
  fresh
  mov esp, page + 0x800
  pop rax
  mov rsp, rbx
  check_bits entry(page), A

  ; The CPU's own writes count: a descriptor's accessed bit, an interrupt frame.
  fresh
  mov dword [tss + 36], page + 0x800            ; IST1
  gate_stack 0x60, 1
  on_interrupt 0x60, nothing
  int 0x60
  check_bits entry(page), AD
  fresh
  mov dword [abs page], 0
  pass

nothing:
  ret
  long_mode_runtime
guest_end
