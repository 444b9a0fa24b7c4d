; A store to a page that serves as page table takes effect at once, without INVLPG: the promise that makes translation
; caches invisible. Real CPUs and other emulators may keep the old translation; -DFLUSH adds the flushes they need, to
; check the guest itself.
; passes-on: none
; boot: multiboot
; expect: exit 0
; expect-ticks-max: 200000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

page equ window + 0x5000
%define entry(address) (window_table + ((address) - window) / 4096 * 8)
directory_entry equ page_directories + 8 * (window >> 21)

%macro settle 0
%ifdef FLUSH
  mov r15, cr3
  mov cr3, r15
%endif
%endmacro

main:
  enter_long_mode
  mov dword [abs window + 0x5000], 0x5555
  mov dword [abs window + 0x6000], 0x6666
  mov dword [abs window + 0x7000], 0x7777

  ; Another page behind the same address
  check_eq dword [abs page], 0x5555
  mov dword [abs entry(page)], (window + 0x6000) | 7
  settle
  check_eq dword [abs page], 0x6666
  mov dword [abs entry(page)], (window + 0x5000) | 7
  settle
  check_eq dword [abs page], 0x5555

  ; Fewer rights
  mov [abs page], eax
  mov dword [abs entry(page)], (window + 0x5000) | 5
  settle
  expect_fault 14, 3, mov [abs page], eax
  mov dword [abs entry(page)], (window + 0x5000) | 6
  settle
  expect_fault 14, 0, mov ecx, [abs page]
  mov dword [abs entry(page)], (window + 0x5000) | 7
  settle
  mov ecx, [abs page]
  mov [abs page], ecx

  ; Accessed and dirty bits cleared by a store are set again by the next access.
  mov dword [abs entry(page)], (window + 0x5000) | 7
  settle
  mov ecx, [abs page]
  mov ecx, [abs entry(page)]
  and ecx, 0x60
  check_eq ecx, 0x20
  mov [abs page], ecx
  mov ecx, [abs entry(page)]
  and ecx, 0x60
  check_eq ecx, 0x60
  and dword [abs entry(page)], ~0x60
  settle
  mov ecx, [abs page]
  mov ecx, [abs entry(page)]
  and ecx, 0x60
  check_eq ecx, 0x20

  ; A higher level: the whole window elsewhere
  mov dword [abs 0xa05000], 0xaaaa
  mov dword [abs page_root + 0x7000 + 8 * 5], 0xa05000 | 7
  mov dword [abs page_root + 0x7000 + 8 * 5 + 4], 0
  mov dword [abs directory_entry], (page_root + 0x7000) | 7
  settle
  check_eq dword [abs page], 0xaaaa
  mov dword [abs directory_entry], window_table | 7
  settle
  mov dword [abs page], 0x5555
  check_eq dword [abs page], 0x5555

  ; Code: the next fetch comes from the new page
  mov word [abs window + 0x5100], 0x01b0        ; MOV AL, 1; RET
  mov byte [abs window + 0x5102], 0xc3
  mov word [abs window + 0x6100], 0x02b0
  mov byte [abs window + 0x6102], 0xc3
  mov ebx, page + 0x100
  call rbx
  movzx eax, al
  check_eq eax, 1
  mov dword [abs entry(page)], (window + 0x6000) | 7
  settle
  call rbx
  movzx eax, al
  check_eq eax, 2
  mov dword [abs entry(page)], (window + 0x5000) | 7
  settle

  ; By every kind of store: string, locked, 1 byte, across the entry, and through an alias of the table
  mov edi, entry(page)
  mov eax, (window + 0x7000) | 7
  stosd
  settle
  check_eq dword [abs page], 0x7777
  mov eax, (window + 0x7000) | 7 | 0x60
  mov ecx, (window + 0x6000) | 7
  mov dword [abs entry(page)], eax
  settle
  lock cmpxchg [abs entry(page)], ecx
  settle
  check_eq dword [abs page], 0x6666
  mov byte [abs entry(page) + 1], ((window + 0x7000) >> 8) & 0xff
  settle
  check_eq dword [abs page], 0x7777
  mov dword [abs entry(window + 0x8000)], window_table | 7   ; the table, seen through itself
  settle
  mov dword [abs window + 0x8000 + 8 * 5], (window + 0x5000) | 7
  settle
  check_eq dword [abs page], 0x5555
  pass
  long_mode_runtime
guest_end
