; A flat image in real mode: console, arithmetic, real-mode interrupts, segment wrap-around.
; passes-on: bochs
; boot: flat
; expect: exit 0
; expect-serial: "hello from real mode"
; expect-ticks-max: 100000
%include "lib_real.inc"
guest_flat

main:
  say "hello from real mode", 13, 10

  ; INT through the vector table: pushes FLAGS, CS, IP and clears IF and TF.
  mov word [0x60 * 4], handler
  mov word [0x60 * 4 + 2], 0
  sti
  mov bp, sp
  int 0x60
after_int:
  pushf
  cli
  pop ax
  and eax, 0x0200
  check_eq eax, 0x0200
  movzx eax, word [saved_ip]
  check_eq eax, after_int
  movzx eax, word [saved_flags]
  and eax, 0x0200
  check_eq eax, 0
  movzx eax, sp
  movzx ebx, bp
  check_eq eax, ebx

  ; #DE saves the IP of the instruction itself.
  mov word [0], divide_handler
  mov word [2], 0
  xor ax, ax
  xor dx, dx
  xor bx, bx
divide_at:
  div bx
  movzx eax, word [saved_ip]
  check_eq eax, divide_at

  ; FFFF:0010 is address 100000h: the A20 line is open.
  mov ax, 0xffff
  mov fs, ax
  mov dword [fs:0x10], 0x11223344
  mov dword [0x0000], 0x55667788
  check_eq dword [fs:0x10], 0x11223344

  ; A word at offset FFFFh crosses the limit: #GP, vector 13.
  mov word [13 * 4], skip_handler
  mov word [13 * 4 + 2], 0
  mov word [saved_ip], 0
  mov ax, 0x2000
  mov gs, ax
  mov si, 0xffff
wrap_at:
  mov ax, [gs:si]
  movzx eax, word [saved_ip]
  check_eq eax, wrap_at

  ; String operations wrap SI and DI at 64 KiB.
  mov byte [gs:0xffff], 0xa1
  mov byte [gs:0x0000], 0xa2
  mov ax, gs
  mov ds, ax
  mov si, 0xffff
  lodsb
  mov bl, al
  lodsb
  mov bh, al
  xor ax, ax
  mov ds, ax
  movzx eax, bx
  check_eq eax, 0xa2a1
  movzx eax, si
  check_eq eax, 1

  ; Unreal mode is not tested here: see segment_limits.
  mov ax, 0x1234
  mov cl, 4
  rol ax, cl
  movzx eax, ax
  check_eq eax, 0x2341
  pass

handler:
  push ax
  push bp
  mov bp, sp
  mov ax, [bp + 4]
  mov [saved_ip], ax
  pop bp
  pop ax
  pushf
  pop word [saved_flags]
  iret
divide_handler:
  push bp
  mov bp, sp
  mov ax, [bp + 2]
  mov [saved_ip], ax
  add word [bp + 2], 2
  pop bp
  iret
skip_handler:
  push bp
  mov bp, sp
  mov ax, [bp + 2]
  mov [saved_ip], ax
  add word [bp + 2], 3
  pop bp
  iret

saved_ip: dw 0
saved_flags: dw 0
guest_end
