; Call gates: to the same and to an inner ring, parameters, stack switch, far returns to an outer ring, and their refusals.
; passes-on: qemu bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

gate equ sel_free
conforming equ sel_free + 8
absent equ sel_free + 16

; set_gate selector, offset label, attributes (access byte << 8 | parameter count)
%macro set_gate 3
  mov eax, %2
  mov [gdt + (%1)], ax
  mov word [gdt + (%1) + 2], sel_code
  mov word [gdt + (%1) + 4], %3
  shr eax, 16
  mov [gdt + (%1) + 6], ax
%endmacro

main:
  open_gate 0x80
  ; Same ring: no stack switch, no copying
  set_gate gate, same_ring, 0x8c00
  mov ebx, esp
  call gate:0xdeadbeef                          ; the offset does not count
after_same:
  check_eq esp, ebx
  check_eq dword [saved_ip], after_same
  check_eq dword [saved_cs], sel_code
  ; Jump through a gate
  set_gate gate, jumped, 0x8c00
  jmp gate:0
  exit_with 119
jumped:

  ; From ring 3, two parameters
  set_gate gate, inner, 0xec02
  user_run user_call
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], sel_user_code
  check_eq dword [seen_sp], user_stack          ; RET 8 took the parameters off both stacks
  check_eq dword [inner_sp], interrupt_stack - 24
  check_eq dword [inner_frame], user_call_return
  check_eq dword [inner_frame + 4], sel_user_code
  check_eq dword [inner_frame + 8], 0x22222222
  check_eq dword [inner_frame + 12], 0x11111111
  check_eq dword [inner_frame + 16], user_stack - 8
  check_eq dword [inner_frame + 20], sel_user_data
  check_eq dword [user_ds], 0                   ; the return nulled DS, which held a ring 0 segment

  ; Refusals
  set_gate gate, inner, 0x8c02                  ; DPL 0
  user_run user_call
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], gate
  check_eq dword [seen_ip], user_call_at
  set_gate gate, inner, 0x6c02                  ; not present
  user_run user_call
  check_eq dword [seen_vector], 11
  check_eq dword [seen_error], gate
  set_gate gate, inner, 0xec02
  user_run user_jump                            ; a jump may not change the ring
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], sel_code
  mov word [gdt + gate + 2], sel_data
  user_run user_call
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], sel_data
  mov word [gdt + gate + 2], 0
  user_run user_call
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], 0
  ; Far calls straight to code: inner ring refused, conforming allowed without a change of ring
  user_run user_far_inner
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], sel_code
  set_descriptor conforming, 0, 0xfffff, 0xc09f
  user_run user_far_conforming
  check_eq dword [seen_vector], 0x80
  check_eq dword [seen_cs], conforming | 3
  expect_fault 13, sel_user_code & ~3, call sel_user_code:0    ; outward
  expect_fault 13, sel_data, jmp sel_data:0
  set_descriptor absent, 0, 0xfffff, 0x409b & ~0x80
  expect_fault 11, absent, jmp absent:0

  ; RETF to an outer ring with a bad stack selector
  mov ebx, esp
  push dword sel_data
  push dword user_stack
  push dword sel_user_code
  push dword user_call
  expect_fault 13, sel_data, retf
  mov esp, ebx
  ; RETF to an inner ring
  user_run user_return_inward
  check_eq dword [seen_vector], 13
  check_eq dword [seen_error], sel_code
  pass

same_ring:
  pop dword [saved_ip]
  pop dword [saved_cs]
  push dword [saved_cs]
  push dword [saved_ip]
  retf
inner:
  mov eax, sel_data
  mov ds, ax
  mov [inner_sp], esp
  mov edi, inner_frame
  mov esi, esp
  mov ecx, 6
  mov es, ax
  rep movsd
  retf 8
saved_ip: dd 0
saved_cs: dd 0
inner_sp: dd 0
inner_frame: times 6 dd 0
user_ds: dd -1

user_call:
  push dword 0x11111111
  push dword 0x22222222
user_call_at:
  call gate | 3:0
user_call_return:
  mov ecx, ds
  mov edx, sel_user_data
  mov ds, edx
  and ecx, 0xffff
  mov [user_ds], ecx
  int 0x80
user_jump:
  jmp gate | 3:0
user_leave:
  int 0x80
user_far_inner:
  call sel_code:0
user_far_conforming:
  jmp conforming | 3:user_leave
user_return_inward:
  push dword sel_code
  push dword user_call
  retf
guest_end
