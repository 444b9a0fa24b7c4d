; A bug in ring 0 for debuggers to find: a name that is too long overwrites the pointer behind it; it is called much later.
; passes-on: none
; boot: multiboot
; expect: exit 127
; expect-ticks-max: 2000000
%include "lib.inc"
%include "lib_long.inc"
guest_multiboot

main:
  enter_long_mode
  mov rax, good_handler
  mov [handler], rax
  mov rsi, short_name
  call set_name
  mov ecx, 100000
before:
  call work
  loop before
  mov rsi, long_name
  call set_name
  mov ecx, 100000
later:
  call work
  loop later
use_handler:
  call [handler]
  pass

; Copies the string at RSI to `name`, however long it is.
set_name:
  mov rdi, name
copy_byte:
  lodsb
  stosb
  test al, al
  jnz copy_byte
  ret

work:
  inc qword [worked]
  ret

good_handler:
  ret

short_name: db "eth0", 0
long_name: db "a name that nobody expected", 0
align 8
worked: dq 0
name: times 16 db 0
handler: dq 0
  long_mode_runtime
guest_end
