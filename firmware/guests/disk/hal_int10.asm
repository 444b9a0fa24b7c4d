; INT 10h as 32-bit Windows calls it: the real video BIOS in virtual-8086 mode with VME under paging, while interrupts come
; in. Text, 256 colours and 16 colours in planes, and text again; nothing may trap but the end of each call.
; passes-on: none
; needs: pic pit vga
; boot: disk
; expect: exit 0
; expect-serial: "look at the text"
; expect-ticks-max: 60000000000
; memory: 64
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_v86.inc"
guest_multiboot

main:
  mov eax, 1
  cpuid
  and edx, 2
  check_eq edx, 2                               ; VME
  call tick_setup
  v86_setup 1

  ; Text: the mode, the cursor, a string
  bios 0x10, 0x0003
  bios 0x10, 0x0f00
  check_eq eax, 0x5003                          ; 80 columns, mode 3
  mov dword [v86_edx], 0x050a
  bios_bx 0x10, 0x0200, 0
  mov dword [v86_edx], 0
  bios_bx 0x10, 0x0300, 0
  movzx eax, word [v86_edx]
  check_eq eax, 0x050a
  mov esi, greeting
  mov edi, v86_text
  mov ecx, greeting_bytes
  rep movsb
  mov dword [v86_es], v86_text >> 4
  mov dword [v86_ebp], 0
  mov dword [v86_ecx], greeting_bytes
  mov dword [v86_edx], 0x0c14
  bios_bx 0x10, 0x1301, 0x1e
  mov esi, greeting
  mov edi, 0xb8000 + (12 * 80 + 20) * 2
  mov ecx, greeting_bytes
.letter:
  movzx eax, word [edi]
  movzx edx, byte [esi]
  or edx, 0x1e00
  check_eq eax, edx
  inc esi
  add edi, 2
  loop .letter
  bios_bx 0x10, 0x0e21, 0                       ; "!"
  movzx eax, word [0xb8000 + (12 * 80 + 20 + greeting_bytes) * 2]
  and eax, 0xff
  check_eq eax, "!"
  mov dword [v86_edx], 0x0c14
  bios_bx 0x10, 0x0200, 0
  bios_bx 0x10, 0x0800, 0
  and eax, 0xffff
  check_eq eax, 0x1e00 | "T"
  ; A VGA with colours, 256 KiB
  bios 0x10, 0x1a00
  and eax, 0xff
  check_eq eax, 0x1a
  movzx eax, byte [v86_ebx]
  check_eq eax, 8
  bios_bx 0x10, 0x1200, 0x10
  movzx eax, word [v86_ebx]
  check_eq eax, 3

  ; 320x200 in 256 colours: a dot, by the BIOS and in memory, and a colour of the palette
  bios 0x10, 0x0013
  bios 0x10, 0x0f00
  and eax, 0xff
  check_eq eax, 0x13
  check_eq dword [0xa0000], 0
  mov dword [v86_ecx], 100
  mov dword [v86_edx], 50
  bios_bx 0x10, 0x0c2a, 0
  movzx eax, byte [0xa0000 + 50 * 320 + 100]
  check_eq eax, 0x2a
  mov byte [0xa0000 + 50 * 320 + 101], 0x17
  mov dword [v86_ecx], 101
  bios_bx 0x10, 0x0d00, 0
  and eax, 0xff
  check_eq eax, 0x17
  mov dword [v86_ecx], 0x2130                   ; green, blue
  mov dword [v86_edx], 0x1200                   ; red
  bios_bx 0x10, 0x1010, 0x2a
  mov dword [v86_ecx], 0
  mov dword [v86_edx], 0
  bios_bx 0x10, 0x1015, 0x2a
  movzx eax, word [v86_ecx]
  check_eq eax, 0x2130
  movzx eax, byte [v86_edx + 1]
  check_eq eax, 0x12

  ; 640x480 in 16 colours, which lie in four planes: Windows' boot screen
  bios 0x10, 0x0012
  mov dword [v86_ecx], 9
  mov dword [v86_edx], 1
  bios_bx 0x10, 0x0c0a, 0                       ; planes 1 and 3
%assign plane 0
%rep 4
  mov dx, 0x3ce
  mov ax, 0x0004 | plane << 8
  out dx, ax
  movzx eax, byte [0xa0000 + 80 + 1]
  check_eq eax, 0x40 * ((0x0a >> plane) & 1)
%assign plane plane + 1
%endrep
  ; By the planes, read by the BIOS
  mov dx, 0x3c4
  mov ax, 0x0502                                ; 0 and 2
  out dx, ax
  mov byte [0xa0000 + 80 + 2], 0x80
  mov ax, 0x0f02
  out dx, ax
  mov dword [v86_ecx], 16
  bios_bx 0x10, 0x0d00, 0
  and eax, 0xff
  check_eq eax, 5

  ; Text again, for who looks at the screen
  bios 0x10, 0x0003
  bios 0x10, 0x0f00
  and eax, 0xff
  check_eq eax, 3
  movzx eax, word [0xb8000]
  check_eq eax, 0x0720
  mov dword [v86_es], v86_text >> 4
  mov dword [v86_ebp], 0
  mov dword [v86_ecx], greeting_bytes
  mov dword [v86_edx], 0x0200
  bios_bx 0x10, 0x1301, 0x07
  mov eax, [v86_flags_after]
  and eax, 0x80000                              ; the virtual interrupt flag is up as it was
  check_eq eax, 0x80000
  ; Interrupts are off but in virtual-8086 mode: calls until five have come there.
  mov esi, 100000
.call:
  bios 0x10, 0x0f00
  and eax, 0xff
  check_eq eax, 3
  dec esi
  check_if nz
  cmp dword [ticks], 5
  jb .call
  say "look at the text", 13, 10
  call look
  pass

greeting: db "This was written in virtual-8086 mode"
greeting_bytes equ $ - greeting
  irq_routines
  v86_routines
guest_end
