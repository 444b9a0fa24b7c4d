; ACPI as a guest without drivers uses it: find the RSDP, walk to the FADT, turn ACPI mode on, let the PM timer count
; against the PIT, power off through PM1.
; passes-on: qemu
; needs: acpi pit port61
; boot: multiboot
; expect: power-off
; expect-serial: "powering off"
; expect-ticks-max: 100000000
%include "lib.inc"
guest_multiboot

main:
  ; The RSDP on a 16-byte boundary of E0000-FFFFF
  mov ebx, 0xe0000
.scan:
  cmp dword [ebx], "RSD "
  jne .next
  cmp dword [ebx + 4], "PTR "
  je .found
.next:
  add ebx, 16
  cmp ebx, 0x100000
  jb .scan
  exit_with 100
.found:
  mov esi, ebx
  mov ecx, 20
  call sum
  check_eq eax, 0
  ; RSDT, and in it the FADT
  mov ebx, [ebx + 16]
  check_eq dword [ebx], "RSDT"
  call check_table
  mov ecx, [ebx + 4]
  lea esi, [ebx + 36]
  add ecx, ebx
.table:
  cmp esi, ecx
  jb .look
  exit_with 101
.look:
  mov edi, [esi]
  add esi, 4
  cmp dword [edi], "FACP"
  jne .table
  mov ebx, edi
  call check_table
  mov [fadt], ebx
  mov ebx, [ebx + 40]
  check_eq dword [ebx], "DSDT"
  call check_table
  mov ebx, [fadt]
  mov eax, [ebx + 36]
  check_eq dword [eax], "FACS"

  ; ACPI mode: SCI_EN follows the writes to SMI_CMD.
  mov edx, [ebx + 48]
  test edx, edx
  jz .always_on
  mov al, [ebx + 53]
  out dx, al
  call pm1_control
  and eax, 1
  check_eq eax, 0
  mov edx, [ebx + 48]
  mov al, [ebx + 52]
  out dx, al
.always_on:
  call pm1_control
  and eax, 1
  check_eq eax, 1

  ; The PM timer: 24 bits, 3.579545 MHz. While PIT channel 2 counts 11932 (10 ms) it gains about 35795.
  in al, 0x61
  and al, 0xfc
  or al, 1
  out 0x61, al
  mov al, 0xb0
  out 0x43, al
  mov al, 11932 & 0xff
  out 0x42, al
  mov al, 11932 >> 8
  out 0x42, al
  mov edx, [ebx + 76]
  in eax, dx
  mov esi, eax
.count:
  in al, 0x61
  test al, 0x20
  jz .count
  mov edx, [ebx + 76]
  in eax, dx
  sub eax, esi
  and eax, 0xffffff
  mov [gained], eax
  cmp eax, 35795 - 1000
  check_if ae
  cmp dword [gained], 35795 + 3000
  check_if be

  ; Status bits are cleared by writing ones.
  mov edx, [ebx + 56]
  mov eax, 0xffff
  out dx, ax
  in ax, dx
  and eax, 0x0100
  check_eq eax, 0

  say "powering off", 13, 10
  mov ebx, [fadt]
  mov edx, [ebx + 64]
  mov eax, 0x2001                               ; SLP_EN, type 0, SCI_EN
  out dx, ax
  mov ecx, 10000000
.wait:
  loop .wait
  exit_with 102

pm1_control:
  mov edx, [ebx + 64]
  in ax, dx
  movzx eax, ax
  ret
check_table:                                    ; EBX
  mov esi, ebx
  mov ecx, [ebx + 4]
  call sum
  check_eq eax, 0
  ret
sum:                                            ; ESI, ECX -> EAX
  xor eax, eax
.byte:
  add al, [esi]
  inc esi
  dec ecx
  jnz .byte
  movzx eax, al
  ret

fadt: dd 0
gained: dd 0
guest_end
