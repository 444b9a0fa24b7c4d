; 32-bit paging: error codes, CR2, rights of both levels, WP, 4 MiB pages, faults of fetches and of split accesses.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 200000
%include "lib.inc"
guest_multiboot

directory equ page_root
table equ page_root + 0x1000
%define entry(address) (table + ((address) - window) / 4096 * 4)
page equ window + 0x5000

; set_page address, flags: maps it onto itself
%macro set_page 2
  mov dword [entry(%1)], ((%1) & ~0xfff) | (%2)
  invlpg [%1]
%endmacro
%macro check_page_fault 3                       ; error, CR2, EIP
  check_eq dword [seen_vector], 14
  check_eq dword [seen_error], %1
  check_eq dword [seen_cr2], %2
  check_eq dword [seen_ip], %3
%endmacro

main:
  mov edi, directory
  mov eax, 0x87
  mov ecx, 1024
.large:
  mov [edi], eax
  add edi, 4
  add eax, 0x400000
  loop .large
  mov dword [directory + 4 * (window >> 22)], table | 7
  mov edi, table
  mov eax, window | 7
  mov ecx, 1024
.small:
  mov [edi], eax
  add edi, 4
  add eax, 0x1000
  loop .small
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, directory
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax

  ; Not present
  set_page page, 6
  expect_fault 14, 0, mov eax, [page + 0x123]
  check_eq dword [seen_cr2], page + 0x123
  expect_fault 14, 2, mov [page + 0x124], eax
  check_eq dword [seen_cr2], page + 0x124
  expect_fault 14, 2, inc dword [page]          ; read and write: a write
  expect_fault 14, 2, xchg [page], eax
  user_run user_read
  check_page_fault 4, page, user_read
  user_run user_write
  check_page_fault 6, page, user_write
  user_run page
  check_page_fault 4, page, page

  ; Read-only
  set_page page, 5
  mov [page], eax                               ; WP is clear: ring 0 may
  user_run user_write
  check_page_fault 7, page, user_write
  mov eax, cr0
  or eax, 0x10000
  mov cr0, eax
  expect_fault 14, 3, mov [page], eax
  mov eax, [page]

  ; Supervisor
  set_page page, 3
  mov [page], eax
  user_run user_read
  check_page_fault 5, page, user_read
  user_run user_write
  check_page_fault 7, page, user_write
  user_run page
  check_page_fault 5, page, page

  ; The directory's rights count too.
  set_page page, 7
  mov dword [directory + 4 * (window >> 22)], table | 5
  mov eax, cr3
  mov cr3, eax
  expect_fault 14, 3, mov [page], eax
  mov dword [directory + 4 * (window >> 22)], table | 3
  mov eax, cr3
  mov cr3, eax
  user_run user_read
  check_page_fault 5, page, user_read
  mov dword [directory + 4 * (window >> 22)], table | 6
  mov eax, cr3
  mov cr3, eax
  expect_fault 14, 0, mov eax, [page]
  mov dword [directory + 4 * (window >> 22)], table | 7
  mov eax, cr3
  mov cr3, eax

  ; An access that crosses into a page that is not there: CR2 is the first byte there, nothing is written.
  set_page page, 7
  set_page page + 0x1000, 6
  mov dword [page + 0xffc], 0x11111111
  expect_fault 14, 0, mov eax, [page + 0xffe]
  check_eq dword [seen_cr2], page + 0x1000
  expect_fault 14, 2, mov dword [page + 0xffd], 0x22222222
  check_eq dword [seen_cr2], page + 0x1000
  check_eq dword [page + 0xffc], 0x11111111
  set_page page, 6
  expect_fault 14, 0, mov eax, [page + 0xffe]
  check_eq dword [seen_cr2], page + 0xffe

  ; An instruction that crosses: saved EIP is its start, CR2 the missing page.
  set_page page, 7
  mov byte [page + 0xffe], 0xb8                 ; MOV EAX, imm32
  mov byte [page + 0xfff], 0x44
  expect_fault_at 14, 0, page + 0xffe, call fetch_crossing
  check_eq dword [seen_cr2], page + 0x1000
  add esp, 4
  set_page page + 0x1000, 7
  mov dword [page + 0x1000], 0xc3112233         ; the rest of the MOV, then RET
  mov eax, 0
  call fetch_crossing
  check_eq eax, 0x11223344

  ; A push that faults leaves ESP alone.
  set_page page, 6
  user_run user_push
  check_page_fault 6, page + 0xffc, user_push_at
  check_eq dword [seen_sp], page + 0x1000
  set_page page, 7

  ; 4 MiB pages: a reserved bit
  mov dword [directory + 4 * 4], 0x01000087 | 1 << 21
  mov eax, cr3
  mov cr3, eax
  expect_fault 14, 9, mov eax, [0x01000000]
  mov dword [directory + 4 * 4], window | 0x87  ; 16 MiB is now an alias of the window
  mov eax, cr3
  mov cr3, eax
  mov dword [page], 0xabcdef01
  check_eq dword [0x01000000 + page - window], 0xabcdef01

  ; Off and on again
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov dword [page], 0x87654321
  or eax, 0x80000000
  mov cr0, eax
  check_eq dword [0x01000000 + page - window], 0x87654321
  pass

fetch_crossing:
  jmp page + 0xffe
user_read:
  mov eax, [page]
  ud2
user_write:
  mov [page], eax
  ud2
user_push:
  mov esp, page + 0x1000
user_push_at:
  push eax
  ud2
guest_end
