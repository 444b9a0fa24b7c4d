// Messages of the replicas as Cap'n Proto structs and back (peer.capnp).
#pragma once
#include "lockstitch/result.h"
#include "sync/peer/peer.capnp.h"
#include "sync/replica/message.h"

namespace lockstitch::sync {

void write(schema::Message::Builder to, const Message& message);
/// Any struct is safe. Fails: a message that this version does not know.
Result<Message> read(schema::Message::Reader from);

}  // namespace lockstitch::sync
