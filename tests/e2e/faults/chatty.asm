; A guest that has a log: a timer interrupt each millisecond or so, upon which it writes a numbered line on COM1, writes
; into a page of its memory, and now and then reads a byte from COM1, which it writes back; `q` ends it with code 0.
; Flat image, entered at 0000:7C00 in real mode.
bits 16
org 0x7c00

start:
  cli
  cld
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7000
  mov word [8 * 4], timer
  mov word [8 * 4 + 2], 0
  mov al, 0xfe                  ; only IRQ 0; the 8259 is as the BIOS leaves it: vectors from 8
  out 0x21, al
  mov al, 0x11
  out 0x20, al
  mov al, 8
  out 0x21, al
  mov al, 4
  out 0x21, al
  mov al, 1
  out 0x21, al
  mov al, 0xfe
  out 0x21, al
  mov al, 0x34                  ; 8254 counter 0, mode 2
  out 0x43, al
  mov al, 1193 & 0xff
  out 0x40, al
  mov al, 1193 >> 8
  out 0x40, al
  sti

again:
  hlt
  cmp byte [ticked], 0
  je again
  mov byte [ticked], 0

  inc dword [count]
  mov eax, [count]              ; a page of 16 between 2000:0000 and 3000:0000
  mov bx, ax
  and bx, 15
  shl bx, 12
  push es
  mov cx, 0x2000
  mov es, cx
  mov [es:bx], eax
  pop es

  mov cx, 8
.digit:
  rol eax, 4
  push ax
  and al, 15
  add al, '0'
  cmp al, '9'
  jbe .decimal
  add al, 'a' - '0' - 10
.decimal:
  call write
  pop ax
  loop .digit
  mov al, 10
  call write

  test byte [count], 7
  jnz again
  mov dx, 0x3fd
  in al, dx
  test al, 1
  jz again
  mov dx, 0x3f8
  in al, dx
  cmp al, 'q'
  je quit
  call write
  jmp again

quit:
  cli
  mov dx, 0x501
  xor al, al
  out dx, al
.forever:
  hlt
  jmp .forever

write:                          ; AL on COM1
  push dx
  push ax
  mov dx, 0x3fd
.full:
  in al, dx
  test al, 0x20
  jz .full
  pop ax
  mov dx, 0x3f8
  out dx, al
  pop dx
  ret

timer:
  push ax
  mov byte [ticked], 1
  mov al, 0x20
  out 0x20, al
  pop ax
  iret

count: dd 0
ticked: db 0
