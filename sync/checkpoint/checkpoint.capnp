# A checkpoint: a whole machine between two passes of its loop. Complete in itself but for the contents of pages, which lie
# in the store beside it (page_store.h). docs/LOG_FORMAT.md tells how the file is framed and checked.

@0x9a3c5d7be1f02468;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("lockstitch::sync::schema");

struct Checkpoint {
  formatVersion @0 :UInt32;
  # 1. A reader refuses any other.
  traceHigh @1 :UInt64;
  traceLow @2 :UInt64;
  # Identity of the trace: its header's hash.
  tick @3 :UInt64;
  # The machine stands here and has not visited the tick: inputs of the log with this tick are still to come.
  virtualNs @4 :UInt64;
  digestHigh @5 :UInt64;
  digestLow @6 :UInt64;
  # Of the whole machine: what it must have again after a load.
  state @7 :Data;
  # Everything but RAM and disks, as the visitor names it; one zstd frame.
  stateBytes @8 :UInt64;
  # Unit: bytes, before compression. Bound: 16 MiB.
  regions @9 :List(Region);
  # RAM, then the disks in the order of the board. Bound: 64.
}

struct Region {
  # Numbered pages of 4 KiB. A page that is not listed is what it was at power-on: zeros in RAM, the image's on a disk.
  name @0 :Text;
  # "ram", "disk0", ...
  pages @1 :UInt64;
  # Size of the region.
  runs @2 :List(Run);
}

struct Run {
  # `count` pages from `firstPage` on have the contents `firstId`, `firstId` + 1, ... of the store.
  firstPage @0 :UInt64;
  count @1 :UInt64;
  firstId @2 :UInt64;
}
