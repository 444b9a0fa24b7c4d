; What a Multiboot loader says: flags, memory sizes, memory map, command line.
; passes-on: qemu
; boot: multiboot
; memory: 32
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

main:
  mov ebx, [multiboot_information]
  mov eax, [ebx]
  and eax, 0x45                                 ; memory, command line, map
  check_eq eax, 0x45
  mov eax, [ebx + 4]
  cmp eax, 512
  check_if ae
  cmp dword [ebx + 4], 640
  check_if be
  ; 32 MiB: less the first, and less what the loader keeps at the end
  cmp dword [ebx + 8], 30 * 1024
  check_if ae
  cmp dword [ebx + 8], 31 * 1024
  check_if be
  mov eax, [ebx + 16]
  test eax, eax
  check_if nz
  ; The map: ascending, the usable part above 1 MiB covers this image.
  mov esi, [ebx + 48]
  mov edi, esi
  add edi, [ebx + 44]
  mov dword [covered], 0
.entry:
  cmp esi, edi
  jae .end
  cmp dword [esi + 20], 1
  jne .next
  cmp dword [esi + 8], 0
  jne .next
  mov eax, [esi + 4]
  cmp eax, image_base
  ja .next
  add eax, [esi + 12]
  cmp eax, image_end
  jb .next
  mov dword [covered], 1
.next:
  add esi, [esi]
  add esi, 4
  jmp .entry
.end:
  check_eq esi, edi
  check_eq dword [covered], 1
  pass

covered: dd 0
guest_end
