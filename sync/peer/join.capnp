# The machine on its way to a standby, in parts. Disks go first, while the guest runs: the standby tells what it has, by
# sums, and gets what differs. Then memory in rounds, with what the disks were written meanwhile. The state comes last.

@0xe4a86b0c2d4f6183;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("lockstitch::sync::schema");

struct JoinPart {
  union {
    diskSums :group {
      # From the standby: XXH3-128 of chunks of 64 KiB, the last of a disk maybe shorter.
      disk @0 :UInt16;
      firstChunk @1 :UInt64;
      sums @2 :Data;
      # 16 bytes for each chunk, high half first, little endian.
    }
    diskData :group {
      # Contents of 4 KiB clusters, in the order of their numbers; the last of a disk padded with zeros.
      disk @3 :UInt16;
      clusters @4 :List(UInt64);
      contents @5 :Data;
      # One zstd frame.
    }
    pages :group {
      # Of RAM, numbered as the machine numbers them.
      numbers @6 :List(UInt64);
      contents @7 :Data;
      # One zstd frame.
    }
    state :group {
      # The last part: everything but RAM and disks, and what the whole must hash to. The log follows from its tick on.
      tick @8 :UInt64;
      digestHigh @9 :UInt64;
      digestLow @10 :UInt64;
      state @11 :Data;
      # One zstd frame.
    }
    progress :group {
      # From the leader, for people.
      doneBytes @12 :UInt64;
      totalBytes @13 :UInt64;
    }
  }
}
