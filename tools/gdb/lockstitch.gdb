# gdb commands for a recorded guest; source this file after `target remote`. docs/DEBUGGING.md tells what they are for.
# They are monitor commands that make gdb look at the machine anew, and one that brings a Linux kernel's symbols.
set pagination off

define lockstitch-look
  maintenance flush register-cache
  frame
end

define goto
  monitor goto $arg0
  lockstitch-look
end
document goto
goto TICK|TIME|begin|end: go there in the recording; a time is like 4.5s or 120ms of guest time.
end

define find-write
  eval "monitor find-write 0x%lx 8", (unsigned long) ($arg0)
  lockstitch-look
end
document find-write
find-write ADDRESS: go back to the last instruction or device that wrote to these 8 bytes.
end

define find-exec
  eval "monitor find-exec 0x%lx", (unsigned long) ($arg0)
  lockstitch-look
end
document find-exec
find-exec ADDRESS: go back to the last time that the instruction there was about to be executed.
end

define back
  monitor back
  lockstitch-look
end
document back
back: end a diversion, that is, forget everything that was changed by hand.
end

define linux-symbols
  monitor linux-base
  monitor linux-symbols $arg0
  add-symbol-file $arg0
end
document linux-symbols
linux-symbols FILE: the symbols of the guest's Linux kernel out of its own memory, at the addresses of this boot. FILE is
written by Lockstitch and read by gdb, so name it from the root.
end
