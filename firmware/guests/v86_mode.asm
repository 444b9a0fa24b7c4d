; Virtual-8086 mode: what traps, the interrupt frame, I/O permission, and the VME extensions (virtual interrupt flag,
; redirection bitmap).
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

big_tss equ scratch                             ; with redirection bitmap and I/O bitmap
redirection equ big_tss + 104
io_map equ redirection + 32
io_map_bytes equ 0x600 / 8
v86_code equ 0x2000                             ; linear; CS = 200h
v86_segment equ v86_code >> 4
v86_stack equ 0x1000

; v86_run entry, flags: until something comes out
%macro v86_run 2
  mov dword [seen_vector], -1
  mov dword [resume_at], %%back
  mov [resume_sp], esp
  push dword 0x5555                             ; GS
  push dword 0x4444                             ; FS
  push dword 0x3333                             ; DS
  push dword 0x0100                             ; ES
  push dword 0x0000                             ; SS
  push dword v86_stack
  push dword 0x20002 | (%2)
  push dword v86_segment
  push dword (%1) - v86_begin
  iretd
%%back:
%endmacro
; check_v86 vector, error, entry, IP offset from it
%macro check_v86 4
  check_eq dword [seen_vector], %1
  check_eq dword [seen_error], %2
  check_eq dword [seen_ip], (%3) - v86_begin + (%4)
  check_eq dword [seen_cs], v86_segment
%endmacro

main:
  mov esi, v86_begin
  mov edi, v86_code
  mov ecx, v86_end - v86_begin
  rep movsb
  mov edi, big_tss
  mov ecx, (104 + 32) / 4
  xor eax, eax
  rep stosd
  mov ecx, io_map_bytes
  mov al, 0xff
  rep stosb
  mov al, 0xff
  stosb
  mov dword [big_tss + 4], interrupt_stack
  mov dword [big_tss + 8], sel_data
  mov word [big_tss + 102], 104 + 32
  set_descriptor sel_tss, scratch, 104 + 32 + io_map_bytes, 0x0089
  mov eax, sel_tss
  ltr ax
  open_gate 0x80

  ; Segments are real-mode ones; the frame holds the data segments, which are null in the handler.
  v86_run v_segments, 0x3000
  check_v86 0x80, 0, v_segments, v_segments_end - v_segments
  check_eq dword [0x1234], 0x1234               ; written through ES = 0100h
  mov eax, [interrupt_stack - 4]
  check_eq eax, 0x5555
  mov eax, [interrupt_stack - 8]
  check_eq eax, 0x4444
  mov eax, [interrupt_stack - 12]
  check_eq eax, 0x3333
  mov eax, [interrupt_stack - 16]
  check_eq eax, 0x0100
  mov eax, [interrupt_stack - 20]
  and eax, 0xffff
  check_eq eax, 0
  mov eax, [interrupt_stack - 28]
  and eax, 0x20000
  check_eq eax, 0x20000

  ; IOPL below 3, no VME: CLI, STI, PUSHF, POPF, INT, IRET are #GP(0); HLT always
  v86_run v_cli, 0
  check_v86 13, 0, v_cli, 0
  v86_run v_sti, 0
  check_v86 13, 0, v_sti, 0
  v86_run v_pushf, 0
  check_v86 13, 0, v_pushf, 0
  v86_run v_int, 0
  check_v86 13, 0, v_int, 0
  v86_run v_hlt, 0x3000
  check_v86 13, 0, v_hlt, 0
  v86_run v_mov_cr, 0x3000
  check_v86 13, 0, v_mov_cr, 0
  ; INT3 goes to its gate whatever the IOPL; its gate must be open.
  v86_run v_int3, 0
  check_v86 13, 3 * 8 + 2, v_int3, 0
  open_gate 3
  v86_run v_int3, 0
  check_v86 3, 0, v_int3, 1
  ; Instructions that do not exist here
  v86_run v_lldt, 0x3000
  check_v86 6, 0, v_lldt, 0

  ; I/O asks the bitmap, not IOPL.
  v86_run v_out, 0x3000
  check_v86 13, 0, v_out, 0
  and byte [io_map + 0x80 / 8], ~1
  v86_run v_out, 0
  check_v86 3, 0, v_out, 3
  ; A word needs both its bits.
  v86_run v_out_word, 0
  check_v86 13, 0, v_out_word, 0
  and byte [io_map + 0x80 / 8], ~2
  v86_run v_out_word, 0
  check_v86 3, 0, v_out_word, 3

  ; VME with IOPL 0: CLI and STI act on VIF, PUSHF shows it as IF, with IOPL 3
  mov eax, cr4
  or eax, 1
  mov cr4, eax
  v86_run v_cli, vif
  check_v86 13, 0, v_hlt_after_cli, 0
  call interrupt_flags
  check_eq eax, 0
  v86_run v_sti, 0
  check_v86 13, 0, v_hlt_after_sti, 0
  call interrupt_flags
  check_eq eax, vif
  v86_run v_sti, vip
  check_v86 13, 0, v_sti, 0
  v86_run v_pushf, vif
  movzx eax, word [v86_stack - 2]
  and eax, 0x3200
  check_eq eax, 0x3200
  v86_run v_pushf, 0
  movzx eax, word [v86_stack - 2]
  and eax, 0x3200
  check_eq eax, 0x3000
  v86_run v_popf, 0
  check_v86 13, 0, v_hlt_after_popf, 0
  call interrupt_flags
  check_eq eax, vif

  ; INT n with its redirection bit clear goes through the table at 0, and back with IRET.
  mov word [0x21 * 4], v_handler - v86_begin
  mov word [0x21 * 4 + 2], v86_segment
  v86_run v_redirected, vif
  check_v86 13, 0, v_handler_hlt, 0
  call interrupt_flags
  check_eq eax, 0
  check_eq dword [seen_sp], v86_stack - 6
  movzx eax, word [v86_stack - 2]
  and eax, 0x3200
  check_eq eax, 0x3200
  movzx eax, word [v86_stack - 6]
  check_eq eax, v_after_int - v86_begin
  mov word [0x21 * 4], v_returns - v86_begin
  v86_run v_redirected, vif
  check_v86 13, 0, v_after_int, 0
  call interrupt_flags
  check_eq eax, vif
  ; With the bit set: #GP(0), or the gate if IOPL is 3.
  mov byte [redirection + 0x21 / 8], 1 << (0x21 % 8)
  v86_run v_redirected, vif
  check_v86 13, 0, v_redirected, 0
  open_gate 0x21
  v86_run v_redirected, 0x3000
  check_v86 0x21, 0, v_after_int, 0
  pass

vif equ 1 << 19
vip equ 1 << 20

interrupt_flags:                                ; EAX: VIF of the saved flags; IF itself must have stayed clear
  mov eax, [seen_flags]
  and eax, vif | 0x200
  ret

v86_begin:
bits 16
v_segments:
  mov dword [es:0x234], 0x1234
  int 0x80
v_segments_end:
v_cli:
  cli
v_hlt_after_cli:
  hlt
v_sti:
  sti
v_hlt_after_sti:
  hlt
v_pushf:
  pushf
  hlt
v_popf:
  push word 0x0200
  popf
v_hlt_after_popf:
  hlt
v_int:
  int 0x80
v_redirected:
  int 0x21
v_after_int:
  hlt
v_handler:
  nop
v_handler_hlt:
  hlt
v_returns:
  iret
v_hlt:
  hlt
v_mov_cr:
  mov eax, cr0
v_int3:
  int3
v_lldt:
  db 0x0f, 0x00, 0xd0
v_out:
  out 0x80, al
  int3
v_out_word:
  out 0x80, ax
  int3
v86_end:
bits 32
guest_end
