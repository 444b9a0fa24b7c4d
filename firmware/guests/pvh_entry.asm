; The PVH entry: an ELF file with the Xen note, entered in 32-bit protected mode with EBX = hvm_start_info.
; passes-on: qemu
; boot: pvh
; expect: exit 0
; expect-serial: "pvh"
; expect-ticks-max: 100000
%include "lib.inc"
bits 32
org image_base
  db 0x7f, "ELF", 1, 1, 1, 0
  dq 0
  dw 2, 3
  dd 1, entry, program_headers - $$, 0, 0
  dw 52, 32, 2, 0, 0, 0
program_headers:
  dd 1, 0, image_base, image_base, image_end - $$, image_end - $$ + 0x1000, 7, 4096
  dd 4, note - $$, 0, 0, note_end - note, note_end - note, 4, 4
note:
  dd 4, 4, 18
  db "Xen", 0
  dd entry
note_end:

entry:
  mov esp, kernel_stack
  cld
  console_setup
  check_eq dword [ebx], 0x336ec578
  check_eq dword [ebx + 4], 1
  ; The segments are flat and usable as they are.
  mov eax, cr0
  and eax, 0x80000001
  check_eq eax, 1
  mov eax, ds
  mov es, eax
  mov ss, eax
  pushfd
  pop eax
  and eax, 0x200
  check_eq eax, 0
  ; The memory map has at least one usable entry; the RSDP, if named, carries its signature.
  mov ecx, [ebx + 48]
  mov esi, [ebx + 40]
  xor edx, edx
.region:
  cmp dword [esi + 16], 1
  jne .next
  inc edx
.next:
  add esi, 24
  loop .region
  test edx, edx
  check_if nz
  mov eax, [ebx + 32]
  test eax, eax
  jz .no_rsdp
  check_eq dword [eax], "RSD "
.no_rsdp:
  ; What the file does not hold of the segment is zero.
  check_eq dword [image_end], 0
  say "pvh", 13, 10
  pass

  console_routines 32
  console_texts
guest_end
