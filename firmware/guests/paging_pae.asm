; PAE paging: no-execute, reserved bits, 2 MiB pages, addresses above the 32-bit entry format.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 200000
%include "lib.inc"
guest_multiboot

pointers equ page_root
directories equ page_root + 0x1000
table equ page_root + 0x5000
%define entry(address) (table + ((address) - window) / 4096 * 8)
page equ window + 0x7000

main:
  mov edi, page_root
  mov ecx, 0x6000 / 4
  xor eax, eax
  rep stosd
  mov edi, pointers
  mov eax, directories | 1
  mov ecx, 4
.pointer:
  mov [edi], eax
  add edi, 8
  add eax, 0x1000
  loop .pointer
  mov edi, directories
  mov eax, 0x87
  mov ecx, 2048
.large:
  mov [edi], eax
  add edi, 8
  add eax, 0x200000
  loop .large
  mov dword [directories + 8 * (window >> 21)], table | 7
  mov edi, table
  mov eax, window | 7
  mov ecx, 512
.small:
  mov [edi], eax
  add edi, 8
  add eax, 0x1000
  loop .small
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, pointers
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax

  ; Plain faults
  mov dword [entry(page)], page | 6
  invlpg [page]
  expect_fault 14, 0, mov eax, [page + 8]
  check_eq dword [seen_cr2], page + 8
  expect_fault 14, 2, mov [page + 8], eax

  ; Bit 63 is reserved as long as EFER.NXE is clear.
  mov dword [entry(page)], page | 7
  mov dword [entry(page) + 4], 0x80000000
  invlpg [page]
  expect_fault 14, 9, mov eax, [page]
  ; With NXE it forbids fetches: error bit 4.
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x800
  wrmsr
  mov eax, cr3
  mov cr3, eax
  mov byte [page], 0xc3                         ; RET
  mov eax, [page]
  expect_fault_at 14, 0x11, page, call page
  add esp, 4
  check_eq dword [seen_cr2], page
  user_run page
  check_eq dword [seen_error], 0x15
  mov dword [entry(page)], page | 3
  invlpg [page]
  user_run page
  check_eq dword [seen_error], 0x15
  mov dword [entry(page)], page | 6
  invlpg [page]
  user_run page
  check_eq dword [seen_error], 0x14
  ; The directory's bit 63 covers the whole table.
  mov dword [entry(page)], page | 7
  mov dword [entry(page) + 4], 0
  mov dword [directories + 8 * (window >> 21) + 4], 0x80000000
  mov eax, cr3
  mov cr3, eax
  expect_fault_at 14, 0x11, page, call page
  add esp, 4
  mov dword [directories + 8 * (window >> 21) + 4], 0
  mov eax, cr3
  mov cr3, eax
  call page

  ; Reserved: address bits above what CPUID reports, and low bits of a 2 MiB page
  mov dword [entry(page) + 4], 1 << (51 - 32)
  invlpg [page]
  expect_fault 14, 9, mov eax, [page]
  expect_fault 14, 0xb, mov [page], eax
  mov dword [entry(page) + 4], 0
  mov dword [directories + 8 * 8], 0x01000087 | 1 << 13
  mov eax, cr3
  mov cr3, eax
  expect_fault 14, 9, mov eax, [0x01000000]
  mov dword [directories + 8 * 8], window | 0x87
  mov eax, cr3
  mov cr3, eax
  mov dword [page], 0x600df00d
  check_eq dword [0x01000000 + page - window], 0x600df00d

  ; A missing directory: not present at the top level
  mov dword [pointers + 8 * 3], 0
  mov eax, cr3
  mov cr3, eax
  expect_fault 14, 0, mov eax, [0xc0000000]
  mov dword [pointers + 8 * 3], (directories + 0x3000) | 1
  ; Reserved bits in the top level are found when CR3 is loaded.
  mov dword [pointers + 8 * 2], (directories + 0x2000) | 3
  mov eax, cr3
  expect_fault 13, 0, mov cr3, eax
  mov dword [pointers + 8 * 2], (directories + 0x2000) | 1
  mov cr3, eax
  ; EFER.LME may not change while paging is on.
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  expect_fault 13, 0, wrmsr
  pass
guest_end
