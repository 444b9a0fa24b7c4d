; PCI configuration mechanism 1: the latch, byte and word access, absent functions, BAR sizing, and the fixed chipset.
; passes-on: qemu bochs
; needs: pci
; boot: multiboot
; expect: exit 0
; expect-serial: "pci 12378086"
; expect-ticks-max: 10000000
%include "lib.inc"
guest_multiboot

; config_address device, function, register
%define config_address(device, function, register) (0x80000000 | ((device) << 11) | ((function) << 8) | (register))
%macro config_select 1
  mov eax, %1
  mov dx, 0xcf8
  out dx, eax
%endmacro
%macro config_read 1
  config_select %1
  mov dx, 0xcfc
  in eax, dx
%endmacro

main:
  ; The latch reads back and is 32 bits wide only.
  config_select config_address(1, 0, 0x60)
  in eax, dx
  check_eq eax, config_address(1, 0, 0x60)
  mov dx, 0xcfb
  mov al, 0
  out dx, al
  mov dx, 0xcf8
  in eax, dx
  check_eq eax, config_address(1, 0, 0x60)

  ; Host bridge, ISA bridge, power management
  config_read config_address(0, 0, 0)
  check_eq eax, 0x12378086
  config_read config_address(1, 0, 0)
  check_eq eax, 0x70008086
  config_read config_address(1, 3, 0)
  check_eq eax, 0x71138086
  config_read config_address(0, 0, 8)
  shr eax, 8
  check_eq eax, 0x060000
  config_read config_address(1, 0, 8)
  shr eax, 8
  check_eq eax, 0x060100
  config_read config_address(1, 3, 8)
  shr eax, 8
  check_eq eax, 0x068000
  ; Only slot 1 has several functions.
  config_read config_address(1, 0, 0xc)
  and eax, 0xff0000
  check_eq eax, 0x800000
  config_read config_address(0, 0, 0xc)
  and eax, 0x800000
  check_eq eax, 0

  ; Bytes and words of a register
  config_select config_address(0, 0, 0)
  mov dx, 0xcfe
  in ax, dx
  movzx eax, ax
  check_eq eax, 0x1237
  mov dx, 0xcfd
  in al, dx
  movzx eax, al
  check_eq eax, 0x80
  ; Without the enable bit there is nothing.
  config_select config_address(0, 0, 0) & 0x7fffffff
  mov dx, 0xcfc
  in eax, dx
  check_eq eax, -1
  ; An absent function, an absent bus; a write there is lost without trouble.
  config_read config_address(31, 7, 0)
  check_eq eax, -1
  config_read config_address(0, 0, 0) | (5 << 16)
  check_eq eax, -1
  mov eax, 0
  out dx, eax

  ; Identification is read-only.
  config_select config_address(0, 0, 0)
  mov dx, 0xcfc
  mov eax, 0x12345678
  out dx, eax
  in eax, dx
  check_eq eax, 0x12378086
  ; The interrupt routes keep what is written.
  config_select config_address(1, 0, 0x60)
  mov dx, 0xcfe
  in al, dx
  mov bl, al
  mov al, 5
  out dx, al
  in al, dx
  movzx eax, al
  check_eq eax, 5
  mov al, bl
  out dx, al

  ; Every function of bus 0: print its ids, size its BARs; a BAR keeps its address.
  mov dword [address], 0x80000000
.function:
  mov eax, [address]
  mov dx, 0xcf8
  out dx, eax
  mov dx, 0xcfc
  in eax, dx
  cmp ax, 0xffff
  je .next_function
  mov [ids], eax
  mov esi, text_pci
  call print_32
  mov ebx, [ids]
  call print_hex_32
  mov esi, text_end
  call print_32
  mov edi, 0x10
.bar:
  mov eax, [address]
  or eax, edi
  mov dx, 0xcf8
  out dx, eax
  mov dx, 0xcfc
  in eax, dx
  mov [kept], eax
  mov eax, -1
  out dx, eax
  in eax, dx
  mov ecx, eax
  mov eax, [kept]
  out dx, eax
  in eax, dx
  check_eq eax, [kept]
  ; The size is a power of two.
  test ecx, ecx
  jz .next_bar
  test ecx, 1
  jnz .io
  and ecx, ~15
  jmp .size
.io:
  or ecx, 0xffff0000
  and ecx, ~3
.size:
  mov eax, ecx
  neg eax
  dec eax
  test eax, ecx
  check_if z
.next_bar:
  add edi, 4
  cmp edi, 0x28
  jb .bar
.next_function:
  add dword [address], 0x100
  cmp dword [address], 0x80010000
  jb .function
  pass

address: dd 0
ids: dd 0
kept: dd 0
text_pci: db "pci ", 0
guest_end
