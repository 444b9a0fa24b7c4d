; CMPXCHG8B, CMPXCHG16B and the other locked instructions: results, flags, alignment, faults.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

cell equ scratch + 0x40
page equ window + 0x5000
%define entry(address) (window_table + ((address) - window) / 4096 * 8)

main:
  enter_long_mode
  ; 8 bytes, at any alignment
  mov rax, 0x1111111122222222
  mov [abs cell + 3], rax
  mov edx, 0x11111111
  mov eax, 0x22222222
  mov ecx, 0x33333333
  mov ebx, 0x44444444
  cmp esp, esp
  stc
  lock cmpxchg8b [abs cell + 3]
  check_if z
  check_if c                                    ; only ZF changes
  check_eq dword [abs cell + 3], 0x44444444
  check_eq dword [abs cell + 7], 0x33333333
  cmp esp, 0
  cmpxchg8b [abs cell + 3]
  check_if nz
  check_eq eax, 0x44444444
  check_eq edx, 0x33333333
  ; A failed comparison loads EDX:EAX, and so clears the upper halves; a good one leaves RDX:RAX alone.
  mov rax, 0x5555555544444444
  mov rdx, 0x5555555533333333
  cmpxchg8b [abs cell + 3]
  check_if z
  shr rax, 32
  check_eq eax, 0x55555555

  ; 16 bytes, aligned only
  mov qword [abs cell], 1
  mov qword [abs cell + 8], 2
  mov eax, 1
  mov edx, 2
  mov ebx, 3
  mov ecx, 4
  lock cmpxchg16b [abs cell]
  check_if z
  check_eq dword [abs cell], 3
  check_eq dword [abs cell + 8], 4
  xor eax, eax
  lock cmpxchg16b [abs cell]
  check_if nz
  check_eq64 rax, 3
  check_eq64 rdx, 4
  expect_fault 13, 0, cmpxchg16b [abs cell + 8]
  expect_fault 6, 0, db 0x0f, 0xc7, 0xc8        ; register form

  ; They write even when the comparison fails: a read-only page faults as a write.
  mov rax, cr0
  or eax, 0x10000
  mov cr0, rax
  and dword [abs entry(page)], ~2
  invlpg [abs page]
  mov eax, 77
  expect_fault 14, 3, cmpxchg8b [abs page]
  expect_fault 14, 3, lock cmpxchg16b [abs page]
  expect_fault 14, 3, lock cmpxchg [abs page], ecx
  expect_fault 14, 3, xadd [abs page], ecx
  check_eq eax, 77

  ; CMPXCHG: ZF and the comparison's flags; sizes
  mov dword [abs cell], 5
  mov eax, 6
  mov ebx, 9
  lock cmpxchg [abs cell], ebx
  check_if nz
  check_eq eax, 5
  lock cmpxchg [abs cell], ebx
  check_if z
  check_eq dword [abs cell], 9
  mov rax, 0xffffffff00000008                   ; 32 bits: only EAX counts
  mov ecx, 8
  cmpxchg ecx, ebx
  check_if z
  check_eq ecx, 9
  ; XADD, BTS with a bit far away, XCHG, NOT, NEG
  mov dword [abs cell], 10
  mov eax, 5
  lock xadd [abs cell], eax
  check_eq eax, 10
  check_eq dword [abs cell], 15
  mov eax, -1
  mov dword [abs cell - 4], 0
  lock bts [abs cell], eax                      ; bit 31 of the dword before
  check_if nc
  check_eq dword [abs cell - 4], 0x80000000
  lock btr [abs cell], eax
  check_if c
  lock neg dword [abs cell]
  check_if c
  check_eq dword [abs cell], -15
  lock not dword [abs cell]
  check_eq dword [abs cell], 14
  ; Across a page end, locked
  mov dword [abs window + 0x2ffe], 0x7fffffff
  lock inc dword [abs window + 0x2ffe]
  check_if o
  check_eq dword [abs window + 0x2ffe], 0x80000000
  pass
  long_mode_runtime
guest_end
