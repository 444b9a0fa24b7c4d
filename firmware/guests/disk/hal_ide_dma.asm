; Disk transfers as Windows' IDE driver makes them: READ DMA and WRITE DMA by the bus master of the PIIX, its interrupt
; through the IOAPIC. The interrupt comes as late as a disk's, never at once, and nothing moves before; then the bus master
; says interrupt without active or error. Regions of a table are followed; a table that is left over leaves active set.
; passes-on: none
; needs: acpi pci ide lapic ioapic
; boot: disk
; expect: exit 0
; expect-ticks-max: 20000000000
; memory: 64
%include "lib.inc"
%include "lib_irq.inc"
%include "lib_apic.inc"
guest_multiboot

ide_vector equ 0x92
status equ 0x1f7
alternate equ 0x3f6
regions equ scratch                             ; the table
from_disk equ scratch + 0x10000
to_disk equ scratch + 0x40000
far_sector equ 1500                             ; behind the guest
; What the model promises: this much from the start of the bus master.
transfer_ns equ 50000
byte_ns equ 1

%macro bus_out 2                                ; register, AL
  mov edx, [bus_master]
  add edx, %1
  mov al, %2
  out dx, al
%endmacro
%macro bus_in 1                                 ; EAX
  mov edx, [bus_master]
  add edx, %1
  in al, dx
  movzx eax, al
%endmacro
; region number, address, bytes (0: 64 KiB), flags (8000h: last)
%macro region 4
  mov dword [regions + 8 * (%1)], %2
  mov dword [regions + 8 * (%1) + 4], (%3) | (%4) << 16
%endmacro
; prepare direction (8: to memory), command, sector, sectors (0: 256)
%macro issue 4
  mov edx, [bus_master]
  add edx, 4
  mov eax, regions
  out dx, eax
  bus_in 2
  or al, 6
  mov bl, al
  bus_out 2, bl
  bus_out 0, %1
  mov dword [interrupts], 0
  mov dx, 0x1f2
  mov al, (%4) & 0xff
  out dx, al
  inc dx
  mov al, (%3) & 0xff
  out dx, al
  inc dx
  mov al, ((%3) >> 8) & 0xff
  out dx, al
  inc dx
  mov al, ((%3) >> 16) & 0xff
  out dx, al
  inc dx
  mov al, 0xe0
  out dx, al
  inc dx
  mov al, %2
  out dx, al
%endmacro
; start direction: and note when
%macro start_engine 1
  rdtsc
  mov [began], eax
  bus_out 0, (%1) | 1
%endmacro
; The interrupt came as late as it must for so many bytes, not much later, and left what Windows expects.
%macro finished 2                               ; bytes, bus master status
  call wait_interrupt
  check_eq dword [interrupts], 1
  mov eax, [bus_status]
  and eax, 7
  check_eq eax, %2
  check_eq dword [disk_status], 0x50
  mov eax, [ended]
  sub eax, [began]
  sub eax, transfer_ns + (%1) * byte_ns
  cmp eax, 2000
  check_if b
  bus_in 2
  and eax, 7
  check_eq eax, 0
%endmacro

main:
  call pic_setup
  ; Slot 1 function 1; its BAR 4 and its right to the bus
  mov eax, 0x80000900
  call config_read
  check_eq eax, 0x70108086
  mov eax, 0x80000908
  call config_read
  shr eax, 8
  check_eq eax, 0x010180
  mov eax, 0x80000920
  call config_read
  and eax, ~3
  mov [bus_master], eax
  mov eax, 0x80000904
  call config_read
  or al, 5
  push eax
  mov eax, 0x80000904
  mov dx, 0xcf8
  out dx, eax
  pop eax
  mov dx, 0xcfc
  out dx, ax
  on_interrupt ide_vector, on_disk
  apic_on
  ioapic_write 0x10 + 2 * 14 + 1, 0
  ioapic_write 0x10 + 2 * 14, ide_vector        ; edge, active high
  ; Quiet, and a driver's first look at the bus master: not simplex, nothing going on
  mov dx, alternate
  mov al, 0
  out dx, al
  mov dx, status
  in al, dx
  bus_out 0, 0
  bus_out 2, 6
  bus_in 2
  and eax, 0x87
  check_eq eax, 0

  ; READ DMA of this disk's boot sector, which the BIOS has read to 7C00h by the port.
  mov edi, from_disk
  mov ecx, 0x8000
  mov eax, 0xa5a5a5a5
  rep stosd
  region 0, from_disk, 512, 0x8000
  issue 8, 0xc8, 0, 1
  ; A driver that takes its time to start the bus master finds the disk waiting, and no interrupt.
  mov ecx, 300000
.late:
  loop .late
  let_in
  check_eq dword [interrupts], 0
  bus_in 2
  and eax, 7
  check_eq eax, 0
  start_engine 8
  bus_in 2
  and eax, 7
  check_eq eax, 1                               ; active
  mov dx, alternate
  in al, dx
  and eax, 0x80
  check_eq eax, 0x80                            ; busy
  ; Nothing has moved until just before the end.
.early:
  rdtsc
  sub eax, [began]
  cmp eax, transfer_ns + 512 * byte_ns - 1000
  jb .early
  check_eq dword [interrupts], 0
  check_eq dword [from_disk], 0xa5a5a5a5
  check_eq dword [from_disk + 508], 0xa5a5a5a5
  finished 512, 4
  mov esi, from_disk
  mov edi, 0x7c00
  mov ecx, 512 / 4
  repe cmpsd
  check_if e
  check_eq dword [from_disk + 512], 0xa5a5a5a5
  movzx eax, word [from_disk + 510]
  check_eq eax, 0xaa55

  ; WRITE DMA of 8 sectors out of three regions, READ DMA of them into four others.
  mov edi, to_disk
  mov ecx, 0x8000
  mov eax, 0x01234567
.pattern:
  stosd
  imul eax, eax, 1664525
  add eax, 1013904223
  loop .pattern
  region 0, to_disk, 2, 0
  region 1, to_disk + 2, 3000, 0
  region 2, to_disk + 3002, 4096 - 3002, 0x8000
  issue 0, 0xca, far_sector, 8
  start_engine 0
  finished 4096, 4
  region 0, from_disk, 1024, 0
  region 1, from_disk + 1024, 1024, 0
  region 2, from_disk + 2048, 2046, 0
  region 3, from_disk + 4094, 2, 0x8000
  issue 8, 0xc8, far_sector, 8
  start_engine 8
  finished 4096, 4
  mov esi, from_disk
  mov edi, to_disk
  mov ecx, 4096 / 4
  repe cmpsd
  check_if e

  ; 128 sectors at once: a region of 64 KiB has the size 0.
  region 0, to_disk, 0, 0x8000
  issue 0, 0xca, far_sector, 128
  start_engine 0
  finished 65536, 4
  region 0, from_disk, 0, 0x8000
  issue 8, 0xc8, far_sector, 128
  start_engine 8
  finished 65536, 4
  mov esi, from_disk
  mov edi, to_disk
  mov ecx, 65536 / 4
  repe cmpsd
  check_if e

  ; A table for more than the disk gives: the interrupt comes, active stays until the driver stops the bus master.
  region 0, from_disk, 4096, 0x8000
  issue 8, 0xc8, far_sector, 1
  start_engine 8
  finished 512, 5

  ; Sixteen in a row, each as late as the first.
  mov dword [left], 16
.row:
  region 0, from_disk, 1024, 0x8000
  issue 8, 0xc8, far_sector, 2
  start_engine 8
  finished 1024, 4
  dec dword [left]
  jnz .row

  ; FLUSH CACHE takes its time, too, and leaves the bus master's interrupt bit as any of the disk's interrupts does.
  bus_out 2, 4
  mov dword [interrupts], 0
  rdtsc
  mov [began], eax
  mov dx, status
  mov al, 0xe7
  out dx, al
  call wait_interrupt
  mov eax, [ended]
  sub eax, [began]
  cmp eax, 40000
  check_if ae
  mov eax, [bus_status]
  and eax, 7
  check_eq eax, 4
  ; Past the end of the disk: an error, and no data.
  mov dword [from_disk], 0xa5a5a5a5
  region 0, from_disk, 512, 0x8000
  issue 8, 0xc8, 0xfffff0, 1
  bus_out 0, 9
  call wait_interrupt
  mov eax, [disk_status]
  and eax, 0x89
  check_eq eax, 0x01
  mov dx, 0x1f1
  in al, dx
  and eax, 0x14                                 ; not found, or aborted
  check_if nz
  check_eq dword [from_disk], 0xa5a5a5a5
  ; Without interrupts by nIEN a driver polls.
  mov dx, alternate
  mov al, 2
  out dx, al
  issue 8, 0xc8, far_sector, 1
  bus_out 0, 9
  mov ecx, 1000000
.poll:
  mov dx, alternate
  in al, dx
  test al, 0x80
  jz .polled
  loop .poll
.polled:
  movzx eax, al
  check_eq eax, 0x50
  let_in
  check_eq dword [interrupts], 0
  mov eax, [from_disk]
  check_eq eax, [to_disk]
  pass

wait_interrupt:
  cmp dword [interrupts], 0
  jne .came
  sti
  hlt
  cli
  jmp wait_interrupt
.came:
  let_in                                        ; a second one would be seen
  ret

; As the driver's interrupt routine: bus master status, stop, disk status, clear.
on_disk:
  rdtsc
  mov [ended], eax
  inc dword [interrupts]
  bus_in 2
  mov [bus_status], eax
  bus_in 0
  and al, 8
  mov bl, al
  bus_out 0, bl
  mov dx, status
  in al, dx
  movzx eax, al
  mov [disk_status], eax
  mov eax, [bus_status]
  mov bl, al
  bus_out 2, bl
  mov dword [lapic_eoi], 0
  ret

config_read:                                    ; EAX: address, then value
  mov dx, 0xcf8
  out dx, eax
  mov dx, 0xcfc
  in eax, dx
  ret
  align 4
bus_master: dd 0
interrupts: dd 0
bus_status: dd 0
disk_status: dd 0
began: dd 0
ended: dd 0
left: dd 0
  irq_routines
guest_end
