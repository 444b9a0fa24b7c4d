// Entries as bytes and back.
#include "sync/log/entry_codec.h"

#include "lockstitch/limits.h"
#include "tests/unit/log/sample_log.h"

namespace lockstitch::test {

using namespace sync;

TEST_CASE("entries of every kind come back as they were") {
  std::vector<Entry> entries = sample_entries(40);
  entries.push_back(end_entry(Tick{9999}));
  EntryEncoder encoder;
  EntryDecoder decoder;
  std::vector<Entry> read;
  REQUIRE(decoder.decode(encoder.encode(entries), read).ok());
  REQUIRE(read.size() == entries.size());
  for (std::size_t i = 0; i < read.size(); ++i) CHECK(whole_text(read[i]) == whole_text(entries[i]));
}

TEST_CASE("a state that hardly changes costs hardly anything") {
  EntryEncoder encoder;
  std::vector<std::uint8_t> state = pattern(20'000, 1);
  const auto first = encoder.encode(std::vector<Entry>{{Tick{1}, DigestEntry{{}, state, {}}}});
  state[777] ^= 5;
  const auto second = encoder.encode(std::vector<Entry>{{Tick{2}, DigestEntry{{}, state, {}}}});
  CHECK(first.size() > 10'000);
  CHECK(second.size() < 300);
}

TEST_CASE("a payload over its limit is refused") {
  EntryEncoder encoder;
  EntryDecoder decoder;
  std::vector<Entry> read;
  const std::vector<std::uint8_t> payload(limits::message_max_bytes + 1);
  const auto bytes = encoder.encode(std::vector<Entry>{{Tick{1}, ArrivalEntry{PortId{1}, {}, payload}}});
  CHECK(!decoder.decode(bytes, read).ok());
}

TEST_CASE("an arrival for the machine's own port is refused: that is what controls are for") {
  EntryEncoder encoder;
  EntryDecoder decoder;
  std::vector<Entry> read;
  CHECK(!decoder.decode(encoder.encode(std::vector<Entry>{{Tick{1}, ArrivalEntry{control_port, {}, {}}}}), read).ok());
}

TEST_CASE("a difference to a state that is not there is refused") {
  EntryEncoder encoder;
  std::vector<Entry> entry{{Tick{1}, DigestEntry{{}, pattern(100, 1), {}}}};
  (void)encoder.encode(entry);
  const auto second = encoder.encode(entry);
  EntryDecoder decoder;
  std::vector<Entry> read;
  CHECK(!decoder.decode(second, read).ok());
}

TEST_CASE("bytes that are no batch are refused") {
  EntryDecoder decoder;
  std::vector<Entry> read;
  CHECK(!decoder.decode({}, read).ok());
  CHECK(!decoder.decode(pattern(100, 9), read).ok());
  CHECK(!decoder.decode(std::vector<std::uint8_t>(100, 0xff), read).ok());
}

}  // namespace lockstitch::test
