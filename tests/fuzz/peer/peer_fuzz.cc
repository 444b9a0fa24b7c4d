// What a replica reads of what its peer, or somebody who pretends to be it, sends: parts of a machine, batches of the
// log, messages, the description of the leader's machine; and the lines that anybody writes into its control socket.
// Bytes as they are, and real ones that were changed: whatever comes, reading ends, takes bounded memory, and gives
// nothing beyond its bounds.
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/async-io.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "lockstitch/limits.h"
#include "sync/log/entry_codec.h"
#include "sync/log/header.h"
#include "sync/peer/control_server.h"
#include "sync/peer/join_part.h"
#include "sync/peer/log_packer.h"
#include "sync/peer/message_codec.h"
#include "sync/peer/pairing.h"
#include "tests/contract/support/choice.h"
#include "tests/fuzz/log/allocation_limit.h"
#include "tests/unit/world/temporary_folder.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;

/// Cap'n Proto reads batches of up to 64 MiB.
const std::size_t test::allocation_limit = (64u << 20) + (1u << 20);

namespace {

using Data = std::vector<std::uint8_t>;

void check(bool holds, const char* what) {
  if (!holds) assertion_failed(__FILE__, __LINE__, what);
}

/// A refusal is for people, and says something.
void check_error(const Error& error) {
  check(error.code == ExitCode::bad_input && error.text.size() > 10, "damage is a sentence");
}

Data rest_of(ByteChoice& choice) {
  Data bytes;
  while (!choice.done()) bytes.push_back(static_cast<std::uint8_t>(choice.take(1)));
  return bytes;
}

Data some_bytes(ByteChoice& choice, std::uint64_t up_to) {
  return Data(choice.below(up_to), static_cast<std::uint8_t>(choice.take(1)));
}

std::string some_text(ByteChoice& choice) {
  const Data bytes = some_bytes(choice, 60);
  return {bytes.begin(), bytes.end()};
}

void change(Data& bytes, ByteChoice& choice) {
  for (std::uint64_t changes = 1 + choice.below(6); changes-- > 0 && !bytes.empty();) {
    const auto at =
        static_cast<std::ptrdiff_t>(choice.below(std::max<std::uint64_t>(bytes.size(), 0x101)) % bytes.size());
    switch (choice.below(6)) {
      case 0:
        bytes[static_cast<std::size_t>(at)] ^= static_cast<std::uint8_t>(1u << choice.below(8));
        break;
      case 1:
        bytes[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(choice.take(1));
        break;
      case 2:
        bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(choice.take(1)));
        break;
      case 3:
        bytes.erase(bytes.begin() + at);
        break;
      case 4: {
        // Another pointer or length, where Cap'n Proto has them.
        const std::size_t word = static_cast<std::size_t>(at) & ~std::size_t{7};
        for (std::size_t i = word; i < std::min(word + 8, bytes.size()); ++i) {
          bytes[i] = static_cast<std::uint8_t>(choice.take(1));
        }
        break;
      }
      default:
        bytes.resize(static_cast<std::size_t>(at));
    }
  }
}

// ---- Parts of a machine

void decode_part(Bytes bytes) {
  const auto part = decode_join_part(bytes);
  if (!part.ok()) return check_error(part.error());
  if (const auto* data = std::get_if<DiskData>(&part.value())) {
    check(data->contents.size() == data->clusters.size() * page_bytes, "contents for each cluster");
    check(data->contents.size() <= join_part_max_bytes, "a part's bound");
  } else if (const auto* pages = std::get_if<RamPages>(&part.value())) {
    check(pages->contents.size() == pages->numbers.size() * page_bytes, "contents for each page");
    check(pages->contents.size() <= join_part_max_bytes, "a part's bound");
  } else if (const auto* state = std::get_if<MachineState>(&part.value())) {
    check(state->state.size() <= state_max_bytes, "a state's bound");
  }
  const auto again = decode_join_part(encode(part.value()));
  check(again.ok() && again.value().index() == part.value().index(), "what was accepted can be written");
}

Data part_of(ByteChoice& choice) {
  const auto disk = static_cast<std::uint16_t>(choice.take(2));
  std::vector<std::uint64_t> numbers(choice.below(4));
  for (auto& number : numbers) number = choice.next();
  const Data contents(numbers.size() * page_bytes, static_cast<std::uint8_t>(choice.take(1)));
  switch (choice.below(5)) {
    case 0:
      return encode(DiskSums{disk, choice.next(), std::vector<Digest>(numbers.size())});
    case 1:
      return encode(DiskData{disk, numbers, contents});
    case 2:
      return encode(RamPages{numbers, contents});
    case 3:
      return encode(MachineState{{choice.next()}, {choice.next(), 1}, some_bytes(choice, 3000)});
    default:
      return encode(JoinProgress{choice.next(), choice.next()});
  }
}

// ---- The log

std::vector<Entry> entries_of(ByteChoice& choice) {
  std::vector<Entry> entries(1 + choice.below(12));
  Tick tick{choice.below(0x10000)};
  for (Entry& entry : entries) {
    tick = tick + choice.below(1000);
    entry.tick = tick;
    Data bytes = some_bytes(choice, 200);
    switch (choice.below(5)) {
      case 0:
        entry.body = ArrivalEntry{PortId{static_cast<std::uint16_t>(1 + choice.below(9))},
                                  {static_cast<std::uint32_t>(choice.next())},
                                  std::move(bytes)};
        break;
      case 1:
        entry.body = ControlEntry{{static_cast<ControlKind>(choice.below(4)), choice.next()}, {7}};
        break;
      case 2:
        entry.body = DigestEntry{{choice.next(), 2}, std::move(bytes), {choice.next(), 1}};
        break;
      case 3:
        entry.body = EndEntry{2, choice.next(), {5, 6}};
        break;
      default:
        entry.body = HorizonEntry{};
    }
  }
  return entries;
}

void decode_batch(EntryDecoder& decoder, Bytes batch) {
  std::vector<Entry> entries;
  const Outcome decoded = decoder.decode(batch, entries);
  if (!decoded.ok()) return check_error(decoded.error());
  check(entries.size() <= batch_max_entries, "a batch's bound");
  for (const Entry& entry : entries) {
    if (const auto* arrival = std::get_if<ArrivalEntry>(&entry.body)) {
      check(arrival->port != control_port && arrival->payload.size() <= limits::message_max_bytes, "an arrival");
    }
    if (const auto* digest = std::get_if<DigestEntry>(&entry.body)) {
      check(digest->state.size() <= state_max_bytes && digest->memory_sums.size() <= memory_sums_max, "a digest");
    }
  }
}

// ---- Messages

void read_message(Bytes bytes) {
  auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
  std::copy_n(bytes.begin(), words.asBytes().size(), words.asBytes().begin());
  try {
    capnp::FlatArrayMessageReader reader(words);
    const auto message = read(reader.getRoot<schema::Message>());
    if (!message.ok()) return check_error(message.error());
    capnp::MallocMessageBuilder builder;
    auto root = builder.initRoot<schema::Message>();
    write(root, message.value());
    const auto again = read(root.asReader());
    check(again.ok() && again.value().index() == message.value().index(), "what was read can be written");
    check(term_of(again.value()) == term_of(message.value()), "a term stays what it is");
  } catch (const kj::Exception&) {
    // The link ends with it.
  }
}

Data message_of(ByteChoice& choice) {
  const Term term = choice.next();
  Message message;
  switch (choice.below(7)) {
    case 0:
      message = Hello{term, some_text(choice)};
      break;
    case 1:
      message = JoinData{term, part_of(choice)};
      break;
    case 2:
      message = Log{term, {choice.next()}, {choice.next()}, EntryEncoder().encode(entries_of(choice))};
      break;
    case 3:
      message = Ack{term, {choice.next()}, {choice.next()}};
      break;
    case 4:
      message = Surrender{term, some_text(choice)};
      break;
    case 5:
      message = HandOverRefused{term, some_text(choice)};
      break;
    default:
      message = Fenced{term};
  }
  capnp::MallocMessageBuilder builder;
  write(builder.initRoot<schema::Message>(), message);
  const auto words = capnp::messageToFlatArray(builder);
  return {words.asBytes().begin(), words.asBytes().end()};
}

// ---- Greetings

Header header_of(ByteChoice& choice) {
  Header header;
  header.build = some_text(choice);
  header.engine.name = "interp";
  header.cpuid.resize(choice.below(20));
  header.board.name = "PC-1";
  header.board.memory_bytes = choice.next();
  header.board.command_line = some_text(choice);
  header.board.disks.resize(choice.below(3));
  header.board.ports = {"serial", "net"};
  if (choice.one_in(2)) header.board.network_mac.emplace();
  header.images.push_back({"kernel", "/a", choice.next(), {1, 2}});
  return header;
}

void meet(const Header& mine, Bytes theirs) {
  const auto header = decode_header(theirs);
  if (!header.ok()) return check_error(header.error());
  const bool alike = difference(mine, header.value()).empty();
  check(alike == difference(header.value(), mine).empty(), "both sides see whether they differ");
}

// ---- The control socket

/// One server, and for each input a client of it.
class Socket final : ControlHandler {
 public:
  /// The server may close a connection into which the client still writes.
  Socket()
      : io_(kj::setupAsyncIo()),
        path_(folder_.file("control")),
        server_(std::move(ControlServer::open(io_, path_, "", *this).value())) {
    std::signal(SIGPIPE, SIG_IGN);
  }

  void talk(const Data& bytes, ByteChoice& choice) {
    heard_.clear();
    auto client = connect();
    std::size_t at = 0;
    try {
      while (at < bytes.size()) {
        const std::size_t piece = std::min<std::size_t>(1 + choice.below(300), bytes.size() - at);
        client->write(bytes.data() + at, piece).wait(io_.waitScope);
        at += piece;
      }
      client->shutdownWrite();
      // Answers until the server has enough of it.
      char answers[512];
      while (client->tryRead(answers, 1, sizeof answers).wait(io_.waitScope) > 0) continue;
    } catch (const kj::Exception&) {
      // It has closed the connection on us.
    }
    for (const std::string& line : heard_) check(line.size() < 256 && line.find('\n') == line.npos, "a line's bound");
    // Somebody else is still answered, each of two lines that come at once.
    heard_.clear();
    auto other = connect();
    other->write("status\nagain\n", 13).wait(io_.waitScope);
    char answer[8];
    other->read(answer, sizeof answer).wait(io_.waitScope);
    check(
        std::memcmp(answer, "yes\nyes\n", sizeof answer) == 0 && heard_ == std::vector<std::string>{"status", "again"},
        "the next one's answer");
  }

 private:
  std::string command(const std::string& line) override {
    heard_.push_back(line);
    return "yes";
  }
  std::string metrics() override { return ""; }

  kj::Own<kj::AsyncIoStream> connect() {
    auto address = io_.provider->getNetwork().parseAddress("unix:" + path_).wait(io_.waitScope);
    return address->connect().wait(io_.waitScope);
  }

  const TemporaryFolder folder_;
  kj::AsyncIoContext io_;
  const std::string path_;
  std::vector<std::string> heard_;
  kj::Own<ControlServer> server_;
};

Data lines_of(ByteChoice& choice) {
  static const std::string words[] = {"status\n",
                                      "failover\n",
                                      "test-failover\n",
                                      "\n",
                                      "status",
                                      "\r\n",
                                      "\0\n",
                                      std::string(255, 'x'),
                                      std::string(256, 'y'),
                                      std::string(257, 'z')};
  Data bytes;
  for (std::uint64_t count = choice.below(12); count-- > 0;) {
    const std::string& word = words[choice.below(std::size(words))];
    bytes.insert(bytes.end(), word.begin(), word.end());
    if (choice.one_in(3)) bytes.push_back(static_cast<std::uint8_t>(choice.take(1)));
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  Data bytes;
  switch (choice.below(13)) {
    case 11: {
      // A real stream, damaged somewhere, and what an unpacker says of the rest.
      LogPacker packer;
      LogUnpacker unpacker;
      for (std::uint64_t batches = 1 + choice.below(5); batches-- > 0;) {
        bytes = packer.pack(some_bytes(choice, 5000));
        if (choice.one_in(2)) change(bytes, choice);
        const std::uint64_t limit = choice.below(10'000);
        const auto unpacked = unpacker.unpack(bytes, limit);
        if (!unpacked.ok()) return check_error(unpacked.error()), 0;
        check(unpacked.value().size() <= limit, "a batch's bound");
      }
      break;
    }
    case 0:
      decode_part(rest_of(choice));
      break;
    case 1: {
      EntryDecoder decoder;
      decode_batch(decoder, rest_of(choice));
      break;
    }
    case 2:
      read_message(rest_of(choice));
      break;
    case 3:
      meet(header_of(choice), rest_of(choice));
      break;
    case 4:
    case 5:
      bytes = part_of(choice);
      change(bytes, choice);
      decode_part(bytes);
      break;
    case 6:
    case 7: {
      // A decoder goes along the log, also behind a batch that it has refused.
      EntryEncoder encoder;
      EntryDecoder decoder;
      for (std::uint64_t batches = 1 + choice.below(4); batches-- > 0;) {
        bytes = encoder.encode(entries_of(choice));
        if (choice.one_in(2)) change(bytes, choice);
        decode_batch(decoder, bytes);
      }
      break;
    }
    case 8:
    case 9:
      bytes = message_of(choice);
      change(bytes, choice);
      read_message(bytes);
      break;
    case 10: {
      const Header mine = header_of(choice);
      bytes = encode_header(mine);
      meet(mine, bytes);
      change(bytes, choice);
      meet(mine, bytes);
      break;
    }
    default: {
      static Socket control;
      bytes = choice.one_in(3) ? rest_of(choice) : lines_of(choice);
      control.talk(bytes, choice);
    }
  }
  return 0;
}
