; The MC146818: time reads, the update cycle, periodic interrupts on IRQ 8 with register C as the acknowledgement.
; passes-on: qemu
; needs: pic rtc
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 10000000000
%include "lib.inc"
%include "lib_irq.inc"
guest_multiboot

; rtc_read register -> EAX
%macro rtc_read 1
  mov al, %1
  out 0x70, al
  in al, 0x71
  movzx eax, al
%endmacro
%macro rtc_write 2
  mov al, %1
  out 0x70, al
  mov al, %2
  out 0x71, al
%endmacro

main:
  call pic_setup
  on_interrupt 0x28, on_irq8
  rtc_read 0xd
  and eax, 0x80
  check_eq eax, 0x80                            ; battery good
  rtc_read 0xb
  and eax, 0x02
  check_eq eax, 0x02                            ; 24 hours
  ; CMOS RAM keeps a byte.
  rtc_write 0x0f, 0x5a
  rtc_read 0x0f
  check_eq eax, 0x5a
  rtc_write 0x0f, 0

  ; Periodic at 1024 Hz
  rtc_write 0xa, 0x26
  rtc_read 0xb
  mov [register_b], al
  or al, 0x40
  mov bl, al
  rtc_write 0xb, bl
  rtc_read 0xc                                  ; forget what was there
  mov al, 0xfb                                  ; cascade
  out 0x21, al
  mov al, 0xfe                                  ; IRQ 8
  out 0xa1, al
  mov dword [ticks], 0
  sti
.wait:
  hlt
  cmp dword [ticks], 64
  jb .wait
  cli
  mov eax, [kinds]
  and eax, 0xc0
  check_eq eax, 0xc0                            ; IRQF and PF
  ; Without a read of register C there is no further edge.
  mov dword [read_c], 0
  mov dword [ticks], 0
  sti
.last:
  hlt
  cmp dword [ticks], 1
  jb .last
  mov ecx, 100000
.quiet:
  in al, 0x80
  dec ecx
  jnz .quiet
  cli
  check_eq dword [ticks], 1
  ; Reading clears it, and interrupts flow again.
  mov dword [read_c], 1
  rtc_read 0xc
  sti
.again:
  hlt
  cmp dword [ticks], 3
  jb .again
  cli
  mov bl, [register_b]
  and bl, 0x8f
  rtc_write 0xb, bl
  rtc_read 0xc
  rtc_read 0xc
  and eax, 0x80
  check_eq eax, 0

  ; Seconds: the update flag rises, the second changes after it falls.
.rise:
  rtc_read 0xa
  test al, 0x80
  jz .rise
  rtc_read 0
  mov ebx, eax
.fall:
  rtc_read 0xa
  test al, 0x80
  jnz .fall
  rtc_read 0
  sub eax, ebx
  check_if nz
  ; UF says that an update happened, though its interrupt is off.
  rtc_read 0xc
  and eax, 0x10
  check_eq eax, 0x10
  ; SET stops the updates.
  mov bl, [register_b]
  or bl, 0x80
  rtc_write 0xb, bl
  rtc_write 0, 0x33
  rtc_read 0
  check_eq eax, 0x33
  pass

on_irq8:
  inc dword [ticks]
  cmp dword [read_c], 0
  je .no_read
  mov al, 0xc
  out 0x70, al
  in al, 0x71
  or [kinds], al
.no_read:
  mov al, 0x20
  out 0xa0, al
  out 0x20, al
  ret
ticks: dd 0
kinds: dd 0
read_c: dd 1
register_b: db 0
  irq_routines
guest_end
