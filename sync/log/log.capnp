# The log of a machine: what a trace begins with, and the entries that follow. docs/LOG_FORMAT.md tells how these messages
# lie in files, what is checked, and what is deliberately not in them.
#
# Units stand with the fields. "Bound" is what a reader refuses to go beyond. Fields are only ever added at the end of a
# struct; a change of meaning needs a new formatVersion.

@0xd5f1c0a4be7296e1;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("lockstitch::sync::schema");

# ---- Words used below

using Tick = UInt64;
# A place in the execution; what one tick is, Header.tickSemantics says. Never falls along a log.

struct Digest {
  # A 128-bit fingerprint (XXH3-128 or sums of it).
  high @0 :UInt64;
  low @1 :UInt64;
}

# ---- The beginning: one Header, in a file of its own

struct Header {
  formatVersion @0 :UInt32;
  # 1. A reader refuses any other.
  tickSemantics @1 :UInt32;
  # 1: one retired instruction, or one chunk of a REP string instruction that ends at a page boundary of its source or
  # destination; an instruction that faults retires nothing, but the 4096th fault in a row takes one tick.
  build @2 :Text;
  # Version of the program that wrote the trace; for people.
  createdNs @3 :UInt64;
  # Unit: ns since 1970 of the host's wall clock. Tells two recordings of one guest apart.
  paced @4 :Bool;
  # The guest's clock was kept near the host's (by advanceClock entries).
  digestEvery @5 :UInt64;
  # Unit: ticks between digest entries; 0: none.
  numericMode @6 :Text;
  # Whose processor executed floating point. Approximating instructions (RCPPS, FSIN) may differ elsewhere.
  engine @7 :Engine;
  cpuid @8 :List(CpuidRow);
  # What the guest's CPUID answers. A replay on an engine that answers otherwise is refused.
  board @9 :Board;
  images @10 :List(Image);
}

struct Engine {
  # What was promised of the engine that executed the guest.
  name @0 :Text;
  countsExactly @1 :Bool;
  stopsExactly @2 :Bool;
  trapsTsc @3 :Bool;
  trapsRandom @4 :Bool;
  noVisibleTlb @5 :Bool;
  tickUnit @6 :UInt8;
  # What one tick is: 0: an instruction, as tickSemantics says; 1: an access that leaves the CPU (ports, memory-mapped,
  # MSRs of devices) or a HLT.
}

struct CpuidRow {
  leaf @0 :UInt32;
  subleaf @1 :UInt32;
  eax @2 :UInt32;
  ebx @3 :UInt32;
  ecx @4 :UInt32;
  edx @5 :UInt32;
}

struct Board {
  # Everything guest-visible that is not frozen by the board's name.
  name @0 :Text;
  memoryBytes @1 :UInt64;
  nsPerTick @2 :UInt64;
  # Unit: virtual ns for each tick.
  rtcStartSeconds @3 :UInt64;
  # Unit: s since 1970, UTC: what the guest's clock shows at power-on.
  seed @4 :UInt64;
  # Of all randomness that the machine offers.
  commandLine @5 :Text;
  flatKernel @6 :Bool;
  reboots @7 :Bool;
  # A reset starts the kernel again instead of ending the machine.
  virtioConsole @8 :Bool;
  networkMac @9 :Data;
  # 6 bytes, or none: there is no network card.
  disks @10 :List(Disk);
  ports @11 :List(Text);
  # Names of port 1, 2, ...
  pc @12 :Text;
  # What the PC is made of beyond the above: firmware, drives, display. One line, written and read by vmm/app/pc_model.
  digestIgnoredBits @13 :UInt64;
  # Of each aligned 64-bit word of memory, the bits that digests leave out: what processors under KVM set when they like.
}

struct Disk {
  readOnly @0 :Bool;
}

struct Image {
  # A file that the machine starts from. Its contents are not in the log.
  role @0 :Text;
  # "kernel", "initrd", "disk0", ...
  path @1 :Text;
  # Where it was; a hint.
  bytes @2 :UInt64;
  hash @3 :Digest;
  format @4 :Text;
  # Of a disk image: "qcow2" and the like; bytes and hash are then those of the disk in it. Empty: raw.
}

# ---- The rest: batches of entries

struct Batch {
  entries @0 :List(Entry);
  # In order. Bound: 65536.
}

struct Entry {
  tick @0 :Tick;
  position @1 :UInt32;
  # Of inputs: low half of a hash of RIP, RFLAGS and the general registers when the input was taken.

  union {
    arrival :group {
      # An input to a device.
      port @2 :UInt16;
      payload @3 :Data;
      # Bound: 65600 bytes.
    }
    control :group {
      # An input to the machine as a whole.
      kind @4 :UInt8;
      # 0 advance the clock (argument: ns), 1 power button, 2 reset, 3 stop (argument: why).
      argument @5 :UInt64;
    }
    horizon @6 :Void;
    # No further input has this tick or an earlier one.
    digest :group {
      # What the machine was at this tick.
      digest @7 :Digest;
      state @8 :Data;
      # Everything but RAM, as the visitor names it. Bound: 16 MiB.
      stateIsDelta @9 :Bool;
      # The state is XORed with that of the digest before; both have the same length.
      memorySums @10 :List(UInt64);
      # Sums over equal parts of RAM. Bound: 4096.
    }
    mark @11 :Text;
    # A note for people.
    end :group {
      # The log is complete. Nothing follows.
      reason @12 :UInt8;
      argument @13 :UInt64;
      digest @14 :Digest;
    }
  }
}
