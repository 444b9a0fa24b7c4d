; A VBE mode as Windows' display drivers set it: what the video BIOS says of itself and of its modes (INT 10h, 4F00h and
; 4F01h), a mode of 1024x768 with 32 bits (4F02h), pixels in the linear frame buffer that is where PCI says, the window of
; 64 KiB over the same memory (4F05h), the monitor's EDID (4F15h), and text again. Called in virtual-8086 mode without VME.
; passes-on: qemu
; needs: pic pit vga pci
; boot: disk
; expect: exit 0
; expect-serial: "look at the picture"
; expect-serial: "look at the text"
; expect-ticks-max: 100000000000
; memory: 64
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_v86.inc"
guest_multiboot

vbe_info equ v86_text
mode_info equ v86_text + 0x400
edid equ v86_text + 0x800

; vbe function, BX: succeeds
%macro vbe 2
  bios_bx 0x10, %1, %2
  and eax, 0xffff
  check_eq eax, 0x004f
%endmacro

main:
  call tick_setup
  v86_setup 0
  ; The adapter
  mov dword [vbe_info], "VBE2"
  mov dword [v86_es], v86_text >> 4
  mov dword [v86_edi], 0
  vbe 0x4f00, 0
  check_eq dword [vbe_info], "VESA"
  cmp word [vbe_info + 4], 0x0200
  check_if ae
  movzx eax, word [vbe_info + 18]
  check_eq eax, 256                             ; 16 MiB

  ; Its modes, each asked for; there is one of 1024x768 with 32 bits and a linear frame buffer.
  movzx esi, word [vbe_info + 14]
  movzx eax, word [vbe_info + 16]
  shl eax, 4
  add esi, eax
  mov dword [modes], 0
  mov dword [mode], 0
.mode:
  movzx ebx, word [esi]
  cmp bx, 0xffff
  je .modes_end
  inc dword [modes]
  cmp dword [modes], 200
  check_if be
  mov [v86_ecx], ebx
  mov dword [v86_es], v86_text >> 4
  mov dword [v86_edi], mode_info - v86_text
  mov dword [v86_esi], 0
  bios 0x10, 0x4f01
  and eax, 0xffff
  check_eq eax, 0x004f
  movzx eax, word [mode_info]
  and eax, 0x99                                 ; supported, colour, graphics, linear frame buffer
  cmp eax, 0x99
  jne .next
  cmp dword [mode_info + 18], 768 << 16 | 1024
  jne .next
  cmp byte [mode_info + 25], 32
  jne .next
  mov [mode], ebx
  mov eax, [mode_info + 40]
  mov [frame_buffer], eax
  movzx eax, word [mode_info + 16]
  check_eq eax, 4096                            ; bytes in a line
  movzx eax, byte [mode_info + 27]
  check_eq eax, 6                               ; direct colour
  check_eq dword [mode_info + 31], 0x08081008   ; red 8 bits at 16, green 8 bits at 8,
  movzx eax, word [mode_info + 35]
  check_eq eax, 0x0008                          ; blue 8 bits at 0
.next:
  add esi, 2
  jmp .mode
.modes_end:
  cmp dword [modes], 10
  check_if ae
  cmp dword [mode], 0
  check_if ne
  ; The frame buffer is the first BAR of slot 2.
  mov eax, 0x80001010
  mov dx, 0xcf8
  out dx, eax
  mov dx, 0xcfc
  in eax, dx
  and eax, ~15
  check_eq eax, [frame_buffer]

  ; Set: the picture is black, and not text any more.
  mov edi, [frame_buffer]
  mov dword [edi + 1234 * 4], 0xffffff
  mov ebx, [mode]
  or ebx, 0x4000
  vbe 0x4f02, ebx
  vbe 0x4f03, 0
  movzx eax, word [v86_ebx]
  or dword [mode], 0x4000
  check_eq eax, [mode]
  mov edi, [frame_buffer]
  mov ecx, 1024 * 768
  xor eax, eax
  repe scasd
  check_if e
  ; Four stripes of 192 lines: red, green, blue, grey
  mov edi, [frame_buffer]
  mov esi, colours
  mov ebx, 4
.stripe:
  lodsd
  mov ecx, 1024 * 192
  rep stosd
  dec ebx
  jnz .stripe
  mov eax, [frame_buffer]
  check_eq dword [eax + 191 * 4096 + 4092], 0xc00000
  check_eq dword [eax + 192 * 4096], 0x00a000
  check_eq dword [eax + 767 * 4096 + 4092], 0x646464
  ; A line is 4096 bytes, and 16 MiB hold 4096 of them.
  vbe 0x4f06, 0x0001
  movzx eax, word [v86_ebx]
  check_eq eax, 4096
  movzx eax, word [v86_ecx]
  check_eq eax, 1024
  movzx eax, word [v86_edx]
  check_eq eax, 4096
  ; The picture may start elsewhere, and again at 0.
  mov dword [v86_ecx], 0
  mov dword [v86_edx], 100
  vbe 0x4f07, 0x0000
  mov dword [v86_ecx], -1
  mov dword [v86_edx], -1
  vbe 0x4f07, 0x0001
  movzx eax, word [v86_edx]
  check_eq eax, 100
  mov dword [v86_ecx], 0
  mov dword [v86_edx], 0
  vbe 0x4f07, 0x0000
  ; The same mode again, told to keep the picture
  mov ebx, [mode]
  or ebx, 0x8000
  vbe 0x4f02, ebx
  mov eax, [frame_buffer]
  check_eq dword [eax], 0xc00000
  check_eq dword [eax + 500 * 4096], 0x0000e0
  say "look at the picture", 13, 10
  call look

  ; By the window: its sixth place lies over line 6 * 16.
  mov ebx, [mode]
  and ebx, ~0x4000
  or ebx, 0x8000
  vbe 0x4f02, ebx
  mov dword [v86_edx], 6
  vbe 0x4f05, 0x0000
  vbe 0x4f05, 0x0100
  movzx eax, word [v86_edx]
  check_eq eax, 6
  check_eq dword [0xa0000], 0xc00000
  mov dword [0xa0000 + 4096 + 8], 0x123456
  mov eax, [frame_buffer]
  check_eq dword [eax + (6 * 16 + 1) * 4096 + 8], 0x123456

  ; The monitor
  mov dword [v86_ecx], 0
  mov dword [v86_edx], 0
  mov dword [v86_es], v86_text >> 4
  mov dword [v86_edi], edid - v86_text
  vbe 0x4f15, 0x0001
  check_eq dword [edid], 0xffffff00
  check_eq dword [edid + 4], 0x00ffffff
  mov esi, edid
  mov ecx, 128
  xor eax, eax
.sum:
  add al, [esi]
  inc esi
  loop .sum
  check_eq eax, 0

  ; A mode that does not exist is refused, and nothing happens.
  bios_bx 0x10, 0x4f02, 0x47ff
  and eax, 0xffff
  cmp eax, 0x004f
  check_if ne
  mov eax, [frame_buffer]
  check_eq dword [eax], 0xc00000

  ; Text
  bios 0x10, 0x0003
  vbe 0x4f03, 0
  movzx eax, word [v86_ebx]
  and eax, 0x7fff
  check_eq eax, 3
  movzx eax, word [0xb8000]
  check_eq eax, 0x0720
  mov esi, words
.word:
  movzx eax, byte [esi]
  test eax, eax
  jz .said
  or eax, 0x0e00
  bios_bx 0x10, eax, 0
  inc esi
  jmp .word
.said:
  movzx eax, byte [0xb8000]
  check_eq eax, "T"
  ; Each call came here and was handed on: the one of each call at least.
  mov eax, [v86_handed_on]
  cmp eax, [v86_calls]
  check_if ae
  cmp dword [ticks], 0
  check_if a
  say "look at the text", 13, 10
  call look
  pass

words: db "The screen is back in text mode", 0
  align 4
colours: dd 0xc00000, 0x00a000, 0x0000e0, 0x646464
modes: dd 0
mode: dd 0
frame_buffer: dd 0
  irq_routines
  v86_routines
guest_end
