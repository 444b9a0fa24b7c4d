; The trap flag: one #DB after each instruction, with DR6.BS, and where it is held back.
; passes-on: qemu bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
guest_multiboot

%macro trap_on 0
  mov dword [steps], 0
  pushfd
  or dword [esp], 0x100
  popfd
%endmacro
%macro trap_off 0
  pushfd
  and dword [esp], ~0x100
  popfd
%endmacro
; check_step index, label: the saved EIP of that #DB
%macro check_step 2
  check_eq dword [places + 4 * (%1)], %2
%endmacro

main:
  on_interrupt 1, on_step
  on_interrupt 0x60, on_int

  trap_on
s0:
  nop
s1:
  mov eax, 5
s2:
  trap_off
s3:
  check_step 0, s1
  check_step 1, s2
  ; PUSHFD, AND, POPFD; the last still traps, since TF was set when it began.
  check_step 4, s3
  check_eq dword [steps], 5
  check_eq dword [all_bs], 1

  ; A taken branch and a call are one step each, at their target.
  trap_on
  jmp b1
  ud2
b1:
  call b2
b3:
  trap_off
  check_step 0, b1
  check_step 1, b2
  check_step 2, b3

  ; MOV SS and POP SS hold the trap back for one instruction.
  mov ecx, sel_data
  trap_on
m0:
  mov ss, cx
m1:
  nop
m2:
  trap_off
  check_step 0, m2

  ; REP: a trap after each iteration, EIP on the instruction until the last
  mov esi, scratch
  mov edi, scratch + 0x100
  mov ecx, 3
  trap_on
r0:
  rep movsb
r1:
  trap_off
  check_step 0, r0
  check_step 1, r0
  check_step 2, r1
  ; REP with ECX = 0 is still one step.
  xor ecx, ecx
  trap_on
  rep movsb
z1:
  nop
z2:
  trap_off
  check_step 0, z1
  check_step 1, z2

  ; INT clears TF on entry. The IRET sets it again, so the next trap is after the instruction behind the INT.
  trap_on
  int 0x60
i1:
  nop
i2:
  trap_off
  check_step 0, i2
  check_eq dword [int_flags], 0

  ; A faulting instruction does not trap; its handler's IRET restores TF.
  trap_on
  mov dword [resume_at], f1
f0:
  ud2
f1:                                             ; the handler of the library clears TF
  mov eax, [steps]
  mov ecx, [places]
  check_eq eax, 1
  check_eq ecx, f0                              ; the one step is the MOV before it
  check_eq dword [seen_vector], 6

  ; PUSHF shows TF, and the #DB handler itself runs without it.
  check_eq dword [handler_flags], 0
  ; POPF that sets TF: no trap at its own end.
  mov dword [steps], 0
  pushfd
  or dword [esp], 0x100
  popfd
p0:
  nop
p1:
  trap_off
  check_step 0, p1
  pass

b2:
  ret

on_step:
  mov ecx, [steps]
  cmp ecx, 16
  jae .full
  mov eax, [ebp + frame_ip]
  mov [places + 4 * ecx], eax
.full:
  inc dword [steps]
  mov eax, dr6
  test eax, 0x4000
  jnz .bs
  mov dword [all_bs], 0
.bs:
  mov eax, 0xffff0ff0
  mov dr6, eax
  pushfd
  pop eax
  and eax, 0x100
  or [handler_flags], eax
  ret
on_int:
  pushfd
  pop eax
  and eax, 0x100
  mov [int_flags], eax
  ret

steps: dd 0
all_bs: dd 1
handler_flags: dd 0
int_flags: dd -1
places: times 16 dd 0
guest_end
