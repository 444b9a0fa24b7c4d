; SYSENTER and SYSEXIT between 32-bit rings: selectors, flags, refusals.
; passes-on: qemu bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

%macro write_msr 2                              ; index, low half; high half 0
  mov ecx, %1
  mov eax, %2
  xor edx, edx
  wrmsr
%endmacro

main:
  ; SYSENTER with a null SYSENTER_CS: #GP(0)
  write_msr 0x174, 0
  expect_fault 13, 0, sysenter
  write_msr 0x174, sel_code
  write_msr 0x175, interrupt_stack
  write_msr 0x176, entered
  mov ecx, 0x176
  rdmsr
  check_eq eax, entered

  ; Ring 3 enters; IF is cleared, CS and SS follow from the MSR.
  open_gate 0x80
  user_run user_enter
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], sel_user_code
  check_eq dword [seen_ss], sel_user_data
  check_eq dword [seen_sp], user_stack - 16     ; SYSEXIT takes ESP from ECX
  check_eq dword [entered_cs], sel_code
  check_eq dword [entered_ss], sel_data
  check_eq dword [entered_sp], interrupt_stack
  mov eax, [entered_flags]
  and eax, 0x20200                              ; VM and IF
  check_eq eax, 0
  check_eq dword [witness], 0xc0ffee

  ; SYSEXIT from ring 3, and with a null SYSENTER_CS: #GP(0)
  user_run user_exit
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], 0
  write_msr 0x174, 0
  expect_fault 13, 0, sysexit
  pass

user_enter:
  mov esi, 0xc0ffee
  sysenter
  ud2
user_after:
  int 0x80
user_exit:
  sysexit

entered:
  mov eax, cs
  mov [entered_cs], ax
  mov eax, ss
  mov [entered_ss], ax
  mov [entered_sp], esp
  pushfd
  pop dword [entered_flags]
  mov [witness], esi
  mov edx, user_after
  mov ecx, user_stack - 16
  sysexit

entered_cs: dd 0
entered_ss: dd 0
entered_sp: dd 0
entered_flags: dd 0
witness: dd 0
guest_end
