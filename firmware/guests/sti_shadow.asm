; The one-instruction shadow of STI, with a real interrupt waiting (PIT through the 8259).
; passes-on: qemu bochs
; needs: pic pit
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 20000000
%include "lib.inc"
%include "lib_irq.inc"
guest_multiboot

; Waits until IRQ 0 is pending in the PIC while interrupts are off.
%macro make_pending 0
  call pit_one_shot
%%wait:
  mov al, 0x0a                                  ; OCW3: read IRR
  out 0x20, al
  in al, 0x20
  test al, 1
  jz %%wait
  mov dword [irq_ip], 0
%endmacro

main:
  cli
  call pic_setup
  on_interrupt 0x20, on_irq0
  mov al, 0xfe                                  ; IRQ 0 only
  out 0x21, al

  make_pending
  sti
after_sti:
  nop
after_nop:
  nop
  cli
  check_eq dword [irq_ip], after_nop

  ; STI; CLI: never taken
  make_pending
  sti
  cli
  nop
  nop
  check_eq dword [irq_ip], 0
  ; POPF opens the door without a shadow.
  pushfd
  or dword [esp], 0x200
  popfd
after_popf:
  nop
  cli
  check_eq dword [irq_ip], after_popf

  ; STI; HLT wakes at once and returns behind the HLT.
  make_pending
  sti
  hlt
after_hlt:
  cli
  check_eq dword [irq_ip], after_hlt

  ; A fault in the shadow: the interrupt comes only when the handler has returned.
  make_pending
  expect_begin resumed
  sti
  ud2
resumed:
  cli
  check_eq dword [seen_vector], 6
  pass

on_irq0:
  mov eax, [ebp + frame_ip]
  mov [irq_ip], eax
  mov al, 0x20
  out 0x20, al
  ret
irq_ip: dd 0
  irq_routines
guest_end
