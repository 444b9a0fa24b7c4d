; x87 and SSE: the FXSAVE image byte by byte, FSAVE and its pointers, stack faults, MXCSR, a few exact results.
; passes-on: bochs
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 100000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

image equ scratch
image2 equ scratch + 0x400

main:
  enter_long_mode
  mov rax, cr0
  and eax, ~0xe
  or eax, 0x22
  mov cr0, rax
  mov rax, cr4
  or eax, 0x600
  mov cr4, rax

  ; After FNINIT
  fninit
  fnstcw [abs scratch]
  movzx eax, word [abs scratch]
  check_eq eax, 0x37f
  fnstsw ax
  movzx eax, ax
  check_eq eax, 0
  ; Constants
  fldpi
  fstp tword [abs scratch]
  mov rbx, 0xc90fdaa22168c235
  check_eq64 [abs scratch], rbx
  movzx eax, word [abs scratch + 8]
  check_eq eax, 0x4000
  ; 2^-0.5 squared, one third, rounding to double
  fld1
  mov dword [abs scratch], 3
  fidiv dword [abs scratch]
  fst qword [abs scratch]
  mov rbx, 0x3fd5555555555555
  check_eq64 [abs scratch], rbx
  fstp tword [abs scratch]
  mov rbx, 0xaaaaaaaaaaaaaaab
  check_eq64 [abs scratch], rbx
  fnstsw ax
  and eax, 0x20
  check_eq eax, 0x20                            ; PE
  fnclex
  fld1
  fchs
  fsqrt
  fnstsw ax
  and eax, 1
  check_eq eax, 1                               ; IE
  fstp tword [abs scratch]
  movzx eax, word [abs scratch + 8]
  check_eq eax, 0xffff                          ; the default NaN
  mov rbx, 0xc000000000000000
  check_eq64 [abs scratch], rbx
  ; Stack underflow and overflow
  fninit
  fstp st0
  fnstsw ax
  and eax, 0x3a41
  check_eq eax, 0x0841                          ; SF, IE, C1 clear; TOP went up to 1
  fninit
  fld1
  fld1
  fld1
  fld1
  fld1
  fld1
  fld1
  fld1
  fld1
  fnstsw ax
  and eax, 0x3a41
  check_eq eax, 0x3a41                          ; C1 set: overflow; TOP = 7
  ; Integer and BCD stores
  fninit
  mov dword [abs scratch], -7
  fild dword [abs scratch]
  fbstp [abs scratch]
  mov eax, 7
  check_eq64 [abs scratch], rax
  movzx eax, word [abs scratch + 8]
  check_eq eax, 0x8000

  ; FXSAVE: layout. Fill the registers, save, look.
  fninit
  fld1                                          ; physical 7
  fldz                                          ; physical 6, the top
  ffree st1                                     ; 7 is empty
  mov edi, image
  mov ecx, 2 * 1024 / 4                         ; both images
  mov eax, 0xeeeeeeee
  rep stosd
  pcmpeqd xmm0, xmm0
  mov rax, 0x1122334455667788
  movq xmm15, rax
  o64 fxsave [abs image]
  movzx eax, word [abs image]
  check_eq eax, 0x37f
  movzx eax, word [abs image + 2]
  check_eq eax, 6 << 11
  movzx eax, byte [abs image + 4]
  check_eq eax, 0x40                            ; abridged tag: physical 6
  mov eax, [abs image + 24]
  check_eq eax, 0x1f80
  mov eax, [abs image + 28]
  check_eq eax, 0xffff                          ; MXCSR mask
  check_eq64 qword [abs image + 32], 0                ; ST0 = +0
  movzx eax, word [abs image + 40]
  check_eq eax, 0
  check_eq dword [abs image + 160], -1          ; XMM0
  check_eq dword [abs image + 160 + 12], -1
  mov rax, 0x1122334455667788
  check_eq64 [abs image + 400], rax             ; XMM15
  check_eq64 qword [abs image + 408], 0
  check_eq dword [abs image + 464], 0xeeeeeeee  ; the last 48 bytes belong to software
  ; FXRSTOR: everything comes back
  fninit
  pxor xmm0, xmm0
  pxor xmm15, xmm15
  o64 fxrstor [abs image]
  o64 fxsave [abs image2]
  mov esi, image
  mov edi, image2
  mov ecx, 512 / 4
  repe cmpsd
  check_if e
  ; Misaligned, or with a reserved MXCSR bit: #GP(0)
  expect_fault 13, 0, fxsave [abs image + 8]
  mov dword [abs image + 24], 0x00010000
  expect_fault 13, 0, fxrstor [abs image]
  expect_fault 13, 0, movaps xmm0, [abs image + 4]
  movups xmm0, [abs image + 4]

  ; MMX: TOP becomes 0 and all are valid, EMMS empties
  fninit
  mov rax, 0x0102030405060708
  movq mm3, rax
  paddb mm3, mm3
  movq rax, mm3
  mov rbx, 0x020406080a0c0e10
  check_eq64 rax, rbx
  o64 fxsave [abs image]
  movzx eax, byte [abs image + 4]
  check_eq eax, 0xff
  movzx eax, word [abs image + 2]
  check_eq eax, 0
  movzx eax, word [abs image + 32 + 3 * 16 + 8]
  check_eq eax, 0xffff                          ; an MMX write fills the exponent with ones
  emms
  fnstenv [abs scratch]
  movzx eax, word [abs scratch + 8]
  check_eq eax, 0xffff

  ; SSE: rounding control, sticky flags, NaN choice, conversions out of range
  mov dword [abs scratch], 0x7f80               ; towards zero
  ldmxcsr [abs scratch]
  mov eax, 0x3f800000
  movd xmm0, eax
  mov eax, 0x40400000
  movd xmm1, eax
  divss xmm0, xmm1
  movd eax, xmm0
  check_eq eax, 0x3eaaaaaa
  stmxcsr [abs scratch]
  check_eq dword [abs scratch], 0x7fa0
  mov dword [abs scratch], 0x1f80
  ldmxcsr [abs scratch]
  mov eax, 0x7f800000
  movd xmm0, eax
  cvttss2si eax, xmm0
  check_eq eax, 0x80000000
  stmxcsr [abs scratch]
  check_eq dword [abs scratch], 0x1f81
  subss xmm0, xmm0                              ; infinity - infinity
  movd eax, xmm0
  check_eq eax, 0xffc00000
  mov eax, 0x7f800001                           ; a signalling NaN becomes quiet
  movd xmm0, eax
  addss xmm0, xmm1
  movd eax, xmm0
  check_eq eax, 0x7fc00001
  ; COMISS flags
  mov eax, 0x3f800000
  movd xmm2, eax
  comiss xmm1, xmm2
  check_if a
  comiss xmm0, xmm2
  check_if p
  ; SSE4.2, SSE4.1, SSSE3, POPCNT
  mov eax, 0
  mov ebx, 0x12345678
  crc32 eax, ebx
  check_eq eax, 0xfa745634
  popcnt eax, ebx
  check_eq eax, 13
  pass
  long_mode_runtime
guest_end
