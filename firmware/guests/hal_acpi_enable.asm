; ACPI mode as Windows turns it on, or stops with bug check A5h: the FADT names port B2h, F1h sets SCI_EN, F0h clears it,
; and nothing else does either. Both APM ports read back what was written.
; passes-on: qemu
; needs: acpi
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 1000000
%include "lib.inc"
%include "lib_acpi.inc"
guest_multiboot

%macro smi_command 1
  mov al, %1
  out 0xb2, al
%endmacro
%macro check_sci_en 1
  mov edx, [pm_control]
  in ax, dx
  movzx eax, ax
  check_eq eax, %1
%endmacro

main:
  acpi_find
  mov ebx, [fadt]
  check_eq dword [ebx + 48], 0xb2
  movzx eax, byte [ebx + 52]
  check_eq eax, 0xf1
  movzx eax, byte [ebx + 53]
  check_eq eax, 0xf0
  check_sci_en 0                                ; a machine starts in legacy mode
  smi_command 0xf1
  check_sci_en 1
  in al, 0xb2
  movzx eax, al
  check_eq eax, 0xf1
  smi_command 0x55
  check_sci_en 1
  smi_command 0xf1                              ; once more is no harm
  check_sci_en 1
  mov al, 0xf0
  out 0xb3, al                                  ; the status port commands nothing
  check_sci_en 1
  in al, 0xb3
  movzx eax, al
  check_eq eax, 0xf0
  smi_command 0xf0
  check_sci_en 0
  mov al, 0xf1
  out 0xb3, al
  check_sci_en 0
  smi_command 0xf1
  check_sci_en 1
  pass

  acpi_routines
guest_end
