; Code that changes code: the next instruction, the same block, another page, through another mapping.
; passes-on: qemu
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 200000
%include "lib.inc"
guest_multiboot

directory equ page_root
table equ page_root + 0x1000
%define entry(address) (table + ((address) - window) / 4096 * 4)
page equ window + 0x3000
alias equ window + 0x9000                       ; the same memory as `page`

main:
  ; The very next instruction
  mov byte [next + 1], 7
next:
  mov al, 0
  movzx eax, al
  check_eq eax, 7

  ; Further on in the same straight line
  mov dword [ahead + 1], 0x12345678
  mov ecx, 1
  mov edx, 2
ahead:
  mov eax, 0
  check_eq eax, 0x12345678

  ; A loop that changes its own body each time round
  mov ecx, 100
  xor ebx, ebx
  mov dword [body + 2], 0
body:
  add ebx, 0x1000                               ; 81 /0 imm32: immediate at +2
  inc dword [body + 2]
  loop body
  check_eq ebx, 4950

  ; An instruction that overwrites its own opcode runs to its end as it was decoded.
  mov edi, itself
  mov eax, 0x90909090
itself:
  stosd                                         ; one byte; the three behind it become NOPs
  ud2
  nop
  mov al, [itself]
  movzx eax, al
  check_eq eax, 0x90

  ; A jump target turned into another instruction after it has run many times
  mov ecx, 1000
.warm:
  call victim
  loop .warm
  check_eq eax, 1
  mov byte [victim + 1], 2
  call victim
  check_eq eax, 2
  mov word [victim], 0xc031                     ; XOR EAX, EAX
  mov byte [victim + 2], 0xc3                   ; RET
  call victim
  check_eq eax, 0

  ; By PUSH, XCHG, CMPXCHG, a locked ADD and a byte store in the middle of an immediate
  mov dword [patched + 1], 0x11111111
  mov ebx, 0x22222222
  xchg [patched + 1], ebx
  call patched
  check_eq eax, 0x22222222
  lock add dword [patched + 1], 1
  call patched
  check_eq eax, 0x22222223
  mov eax, 0x22222223
  mov ebx, 0x44444444
  cmpxchg [patched + 1], ebx
  call patched
  check_eq eax, 0x44444444
  mov byte [patched + 3], 0
  call patched
  check_eq eax, 0x44004444
  mov ebx, esp
  mov esp, patched + 5
  push dword 0x55555555
  mov esp, ebx
  call patched
  check_eq eax, 0x55555555

  ; With paging: through an alias, and by pointing the page elsewhere
  call build_tables
  mov byte [page], 0xb8                         ; MOV EAX, 1; RET
  mov dword [page + 1], 1
  mov byte [page + 5], 0xc3
  mov ecx, 100
.warm_page:
  call [page_pointer]
  loop .warm_page
  check_eq eax, 1
  mov dword [alias + 1], 2
  call [page_pointer]
  check_eq eax, 2
  mov dword [window + 0xb000], 0x000003b8       ; another page with MOV EAX, 3; RET
  mov dword [window + 0xb004], 0x0000c300
  mov dword [entry(page)], (window + 0xb000) | 7
  invlpg [page]
  call [page_pointer]
  check_eq eax, 3
  mov dword [entry(page)], (window + 0x3000) | 7
  invlpg [page]
  call [page_pointer]
  check_eq eax, 2

  ; An instruction across two pages, patched in its second part
  mov byte [page + 0xffd], 0xb8
  mov dword [page + 0xffe], 0x00000004
  mov word [page + 0x1002], 0xc3
  mov ecx, 10
.warm_split:
  call [split_pointer]
  loop .warm_split
  check_eq eax, 4
  mov byte [page + 0x1001], 0x80
  call [split_pointer]
  check_eq eax, 0x80000004
  ; and by pointing the second page elsewhere
  mov dword [window + 0xb000], 0x00c37f00
  mov dword [entry(page + 0x1000)], (window + 0xb000) | 7
  invlpg [page + 0x1000]
  call [split_pointer]
  check_eq eax, 0x7f000004
  pass

victim:
  mov al, 1
  movzx eax, al
  ret
patched:
  mov eax, 0
  ret
page_pointer: dd page
split_pointer: dd page + 0xffd

build_tables:
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
  mov dword [entry(alias)], page | 7
  mov eax, cr4
  or eax, 0x10
  mov cr4, eax
  mov eax, directory
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80010000
  mov cr0, eax
  ret
guest_end
