; REP string instructions that fault in the middle or cross pages: the registers say exactly how far they came.
; passes-on: qemu bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 300000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

page equ window + 0x10000                       ; three good pages, then one that is not there
missing equ page + 0x3000
%define entry(address) (window_table + ((address) - window) / 4096 * 8)

%macro check_registers 3                        ; RCX, RSI, RDI
  check_eq64 rcx, %1
  check_eq64 rsi, %2
  check_eq64 rdi, %3
%endmacro

main:
  enter_long_mode
  mov dword [abs entry(missing)], 6
  invlpg [abs missing]

  ; STOSB into the missing page
  mov edi, missing - 10
  mov ecx, 100
  xor esi, esi
  mov al, 0xa5
  expect_fault 14, 2, rep stosb
  check_registers 90, 0, missing
  check_eq dword [seen_cr2], missing
  mov eax, [abs missing - 4]
  check_eq eax, 0xa5a5a5a5
  ; STOSQ whose first bytes fit: nothing of that element is written
  mov qword [abs missing - 8], 0
  mov edi, missing - 20
  mov ecx, 5
  mov rax, -1
  expect_fault 14, 2, rep stosq
  check_registers 3, 0, missing - 4
  check_eq dword [seen_cr2], missing
  check_eq dword [abs missing - 4], 0

  ; MOVSB: source missing, then destination missing
  mov esi, missing - 7
  mov edi, page
  mov ecx, 50
  expect_fault 14, 0, rep movsb
  check_registers 43, missing, page + 7
  mov esi, page
  mov edi, missing - 7
  mov ecx, 50
  expect_fault 14, 2, rep movsb
  check_registers 43, page + 7, missing
  ; Downwards
  std
  mov dword [abs entry(page - 0x1000)], 6
  invlpg [abs page - 0x1000]
  mov esi, page + 0x1000
  mov edi, page + 9
  mov ecx, 100
  expect_fault 14, 2, rep movsb
  check_registers 90, page + 0x1000 - 10, page - 1
  check_eq dword [seen_cr2], page - 1
  cld
  ; The library's handler runs with DF clear, and restores it.
  mov dword [abs entry(page - 0x1000)], (page - 0x1000) | 7
  invlpg [abs page - 0x1000]

  ; Across page ends without faults, every element size, odd alignment
  mov edi, page
  mov ecx, 0x3000
  xor eax, eax
.fill:
  mov [rdi], al
  inc eax
  inc edi
  loop .fill
  mov esi, page + 0xff1
  mov edi, scratch + 3
  mov ecx, 0x1100 / 8
  rep movsq
  check_registers 0, page + 0x20f1, scratch + 3 + 0x1100
  mov esi, page + 0xff1
  mov edi, scratch + 3
  mov ecx, 0x1100
  repe cmpsb
  check_if z
  check_registers 0, page + 0x20f1, scratch + 3 + 0x1100

  ; Overlap: MOVSB one byte ahead of itself spreads the first byte.
  mov byte [abs page], 0x77
  mov esi, page
  mov edi, page + 1
  mov ecx, 0x1800
  rep movsb
  check_eq dword [abs page + 0x17fc], 0x77777777
  ; Overlap by three, dwords
  mov qword [abs scratch], 0
  mov qword [abs scratch + 8], 0
  mov dword [abs scratch], 0x04030201
  mov esi, scratch
  mov edi, scratch + 3
  mov ecx, 3
  rep movsd
  check_eq dword [abs scratch + 3], 0x04030201
  check_eq dword [abs scratch + 7], 0x00040302
  check_eq dword [abs scratch + 11], 0x00000403

  ; SCASB stops at the match; it does not touch the missing page when the match is before it.
  mov edi, missing - 64
  mov ecx, 64
  xor eax, eax
  rep stosb
  mov byte [abs missing - 1], 0xee
  mov edi, missing - 64
  mov ecx, 1000
  mov al, 0xee
  repne scasb
  check_if z
  check_eq64 rdi, missing
  check_eq64 rcx, 1000 - 64
  mov edi, missing - 64
  mov ecx, 1000
  mov al, 0xed
  expect_fault 14, 0, repne scasb
  check_eq64 rdi, missing
  check_eq64 rcx, 1000 - 64
  ; CMPSB ends before the missing page when the count does.
  mov esi, missing - 5
  mov edi, page
  mov ecx, 5
  mov dword [abs page], 0
  mov dword [abs missing - 5], 0
  mov byte [abs page + 4], 1
  repe cmpsb
  check_if nz
  check_registers 0, missing, page + 5
  ; LODSB
  mov esi, missing - 3
  mov ecx, 10
  expect_fault 14, 0, rep lodsb
  check_eq64 rcx, 7
  check_eq64 rsi, missing

  ; 32-bit address size: counts and wraps in ECX, ESI, EDI, and clears the upper halves
  mov rcx, 0xffffffff00000004
  mov rdi, 0xffffffff00000000 + scratch
  mov al, 0x11
  a32 rep stosb
  check_eq64 rcx, 0
  check_eq64 rdi, scratch + 4
  ; No iteration leaves everything alone but reads nothing either.
  mov rdi, missing
  xor ecx, ecx
  rep stosb
  check_eq64 rdi, missing

  ; Restart: the handler maps the page and the instruction goes on.
  on_interrupt 14, map_it
  mov edi, missing - 5
  mov ecx, 10
  mov al, 0x33
  rep stosb
  check_eq64 rcx, 0
  check_eq64 rdi, missing + 5
  check_eq dword [abs missing - 2], 0x33333333
  check_eq dword [maps], 1
  pass

map_it:
  mov dword [abs entry(missing)], missing | 7
  inc dword [maps]
  ret
maps: dd 0
  long_mode_runtime
guest_end
