; Page tables: 16 pages are mapped elsewhere, CR3 is loaded again, and each page is touched.
; boot: multiboot
; expect: exit 0
; iterations: 300000
; instructions: 90
%include "loop.inc"
loop_setup
loop_begin
  mov eax, r15d
  and eax, 1
  shl eax, 16
  lea rdi, [rax + data + 7]      ; one of two sets of frames
  %assign page 0
  %rep 16
  lea rax, [rdi + page * 0x1000]
  mov [abs window_table + page * 8], rax
  %assign page page + 1
  %endrep
  mov rax, cr3
  mov cr3, rax
  mov esi, window
  %assign page 0
  %rep 16
  inc qword [rsi + page * 0x1000]
  mov rax, [rsi + page * 0x1000 + 8]
  add rcx, rax
  %assign page page + 1
  %endrep
  nop
loop_end
