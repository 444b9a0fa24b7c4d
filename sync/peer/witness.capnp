# What a witness answers. It keeps one record for each pair, and knows nothing of guests.
#
# Fields are only ever added at the end.

@0xd2a97c40f6b3851e;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("lockstitch::sync::schema");

interface Witness {
  # Offered to whoever has a certificate of its authority.
  open @0 (pair :Text, client :Data) -> (ledger :Ledger, refusal :Text);
  # An empty refusal: there is a ledger. `client`: 8 to 32 random bytes, the same as long as a client lives: a new ledger
  # of a client ends its old one, so that nothing the client sent before can still be carried out.
}

interface Ledger {
  # Of one pair.
  read @0 () -> (record :TermRecord);
  raise @1 (expected :UInt64, holder :Text) -> (outcome :Outcome, record :TermRecord, refusal :Text);
  # Durable before it is answered.

  enum Outcome {
    refused @0;
    # Nothing was changed; `refusal` says why.
    granted @1;
    # The record is the wanted one, now or since before.
    denied @2;
  }
}

struct TermRecord {
  term @0 :UInt64;
  # 0: the guest never ran.
  holder @1 :Text;
}
