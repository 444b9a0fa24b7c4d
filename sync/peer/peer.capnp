# What goes over the link between two replicas, and how a conversation begins. docs/PROTOCOL.md has the table of messages;
# their meaning is the state machine's (sync/replica).
#
# Units stand with the fields. Fields are only ever added at the end; a change of meaning needs a new protocol number.

@0xb1f5d3c7a9e20486;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("lockstitch::sync::schema");

const protocolVersion :UInt32 = 2;

struct Greeting {
  # Of the leader, which is the one that dials.
  protocol @0 :UInt32;
  # A replica that speaks another one refuses.
  name @1 :Text;
  # Of the replica.
  pair @2 :Text;
  # Name of the pair.
  machine @3 :Data;
  # The machine, as the packed Header of log.capnp. Bound: 1 MiB.
  address @4 :Text;
  # Where the leader listens: where it is to be dialed when the other one leads.
}

interface Door {
  # What a replica offers to whoever has a certificate of its pair.
  enter @0 (greeting :Greeting, back :Ear) -> (refusal :Text, ear :Ear);
  # An empty refusal: the conversation has begun, in both directions.
}

interface Ear {
  say @0 (message :Message) -> stream;
  # In order. Flow control is that of streaming calls.
}

struct Message {
  term @0 :UInt64;
  # The sender's.
  union {
    hello :group {
      name @1 :Text;
    }
    ready @2 :Void;
    joinData :group {
      part @3 :Data;
      # A JoinPart (join.capnp).
    }
    joined @4 :Void;
    inSync @5 :Void;
    log :group {
      knownUntil @6 :UInt64;
      # Unit: ticks. No input of an earlier tick will follow.
      sentUntil @7 :UInt64;
      # Unit: ticks. Effects of earlier ticks have left the leader's host.
      batch @8 :Data;
      # The next part of a zstd stream of packed Batches (log.capnp), or nothing.
    }
    ack :group {
      knownUntil @9 :UInt64;
      executed @10 :UInt64;
    }
    dismiss :group {
      why @11 :Text;
    }
    surrender :group {
      why @12 :Text;
    }
    handOver @13 :Void;
    handOverRefused :group {
      why @14 :Text;
    }
    fenced @15 :Void;
  }
}
