// The other end of the wire as a test plays it: what is sent is written down beforehand, what is answered is taken
// apart here, without the code that is tested.
#pragma once
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/gdb/fake_target.h"
#include "vmm/gdb/stub.h"

namespace lockstitch::test {

class ScriptedWire final : public gdb::Wire {
 public:
  std::optional<std::string> read() override { return take(pieces); }
  std::optional<std::string> poll() override {
    if (!while_running.empty()) return take(while_running);
    if (gone_while_running) return std::nullopt;
    return std::string();
  }
  bool write(std::string_view bytes) override {
    sent += bytes;
    return sent.size() <= takes_bytes;
  }

  std::deque<std::string> pieces;         ///< each is one read; behind them the debugger is gone
  std::deque<std::string> while_running;  ///< each is one look while the machine runs
  bool gone_while_running = false;
  std::size_t takes_bytes = ~std::size_t{0};  ///< before it is gone
  std::string sent;

 private:
  static std::optional<std::string> take(std::deque<std::string>& from) {
    if (from.empty()) return std::nullopt;
    std::string piece = from.front();
    from.pop_front();
    return piece;
  }
};

inline std::string with_sum(std::string_view contents) {
  unsigned sum = 0;
  for (const char c : contents) sum += static_cast<std::uint8_t>(c);
  char digits[4];
  std::snprintf(digits, sizeof digits, "#%02x", sum & 0xff);
  return "$" + std::string(contents) + digits;
}

inline std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<std::uint8_t>(c)));
    text += digits;
  }
  return text;
}

inline std::string unhex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

/// The packets in a stream, with '+' and '-' in their places; anything else, or a sum that is wrong, is a "?!".
inline std::vector<std::string> packets_in(std::string_view stream) {
  std::vector<std::string> packets;
  for (std::size_t at = 0; at < stream.size();) {
    if (stream[at] != '$') {
      packets.emplace_back(stream[at] == '+' || stream[at] == '-' ? stream.substr(at, 1) : "?!");
      ++at;
      continue;
    }
    const std::size_t end = stream.find('#', at);
    if (end == stream.npos || end + 2 >= stream.size()) {
      packets.emplace_back("?!");
      break;
    }
    const std::string_view raw = stream.substr(at + 1, end - at - 1);
    std::string contents = with_sum(raw) == stream.substr(at, end + 3 - at) ? "" : "?!";
    for (std::size_t i = 0; i < raw.size(); ++i) {
      contents += raw[i] == '}' ? static_cast<char>(raw[++i] ^ 0x20) : raw[i];
    }
    packets.push_back(contents);
    at = end + 3;
  }
  return packets;
}

struct Talk {
  std::vector<std::string> answers;  ///< without acknowledgements
  gdb::Stub::Ended ended;
};

/// One debugger says all of it and is gone.
inline Talk talk(FakeTarget& target, const std::vector<std::string>& packets, ScriptedWire&& wire = {}) {
  for (const std::string& packet : packets) wire.pieces.push_back(with_sum(packet));
  Talk result{{}, gdb::Stub(target, wire).serve()};
  for (const std::string& packet : packets_in(wire.sent)) {
    if (packet != "+") result.answers.push_back(packet);
  }
  return result;
}

/// The answer to the last of them.
inline std::string answer(FakeTarget& target, const std::vector<std::string>& packets) {
  const Talk result = talk(target, packets);
  return result.answers.empty() ? "nothing" : result.answers.back();
}

}  // namespace lockstitch::test
