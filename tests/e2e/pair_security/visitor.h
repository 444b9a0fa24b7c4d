// Somebody who speaks the protocol of a pair by hand: as a leader that dials, or as a standby that is dialed.
#pragma once
#include <kj/async-io.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sync/peer/keys.h"
#include "sync/replica/message.h"

namespace lockstitch::test {

struct Greeting {
  std::uint32_t protocol = 1;
  std::string name = "visitor", pair = "lockstitch", address = "127.0.0.1:1";
  std::vector<std::uint8_t> machine;
};

/// What became of a visit.
struct Visit {
  std::string refusal, trouble;      ///< of the greeting; of the connection
  std::vector<sync::Message> heard;  ///< afterwards
};

/// Dials, greets, and if it is let in says `message` and listens until the other side ends the conversation.
Visit visit(const std::string& address, kj::Own<kj::TlsContext> tls, const Greeting& greeting,
            const std::optional<sync::Message>& message = std::nullopt);

/// Lets one leader in and returns its greeting. With `answer` says that to its first word and listens until it ends the
/// conversation.
Greeting receive(const std::string& address, const sync::Keys& keys,
                 const std::optional<sync::Message>& answer = std::nullopt);

/// Sends these bytes without TLS; true: nothing came back but an end, or what TLS says to strangers.
bool is_cut_off(const std::string& address, const std::string& bytes);

}  // namespace lockstitch::test
