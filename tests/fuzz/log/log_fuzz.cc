// Bytes as a header, as frames, as a batch of entries, as segments of a log; and a valid log in which bytes drive the
// changes: of bytes, of frames, and of messages under checksums that are right again. Whatever comes, reading ends,
// takes bounded memory, and gives nothing that was not written.
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "lockstitch/limits.h"
#include "sync/log/header.h"
#include "sync/log/log_reader.h"
#include "sync/log/segment.h"
#include "tests/contract/support/choice.h"
#include "tests/fuzz/log/allocation_limit.h"
#include "tests/unit/world/temporary_folder.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;

/// A header's message may have 64 MiB, a segment 256 MiB.
const std::size_t test::allocation_limit = segment_max_bytes + (1u << 20);

namespace {

using Data = std::vector<std::uint8_t>;

const Chain start{3, 4};

const TemporaryFolder& desk() {
  static const TemporaryFolder folder;
  return folder;
}

void check(bool holds, const char* what) {
  if (!holds) assertion_failed(__FILE__, __LINE__, what);
}

Data rest_of(ByteChoice& choice) {
  Data bytes;
  while (!choice.done()) bytes.push_back(static_cast<std::uint8_t>(choice.take(1)));
  return bytes;
}

bool equal(const Entry& a, const Entry& b) {
  EntryEncoder one, other;
  return one.encode(std::span(&a, 1)) == other.encode(std::span(&b, 1));
}

bool begins(const std::vector<Entry>& whole, const std::vector<Entry>& part) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin(), equal);
}

std::vector<Entry> entries_of(ByteChoice& choice) {
  std::vector<Entry> entries(1 + choice.below(12));
  Tick tick{choice.below(0x10000)};
  for (Entry& entry : entries) {
    tick = tick + choice.below(1000);
    entry.tick = tick;
    Data bytes(choice.below(200), static_cast<std::uint8_t>(choice.take(1)));
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
        entry.body = MarkEntry{std::string(bytes.begin(), bytes.end())};
        break;
      default:
        entry.body = HorizonEntry{};
    }
  }
  return entries;
}

void change(Data& bytes, ByteChoice& choice) {
  for (std::uint64_t changes = 1 + choice.below(4); changes-- > 0 && !bytes.empty();) {
    const auto at =
        static_cast<std::ptrdiff_t>(choice.below(std::max<std::uint64_t>(bytes.size(), 0x101)) % bytes.size());
    switch (choice.below(5)) {
      case 0:
        bytes[at] ^= static_cast<std::uint8_t>(1u << choice.below(8));
        break;
      case 1:
        bytes[at] = static_cast<std::uint8_t>(choice.take(1));
        break;
      case 2:
        bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(choice.take(1)));
        break;
      case 3:
        bytes.erase(bytes.begin() + at);
        break;
      default:
        bytes.resize(static_cast<std::size_t>(at));
    }
  }
}

/// What a decoder has let through keeps the bounds and means the same once it is written again.
void check_decoded(const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    if (const auto* arrival = std::get_if<ArrivalEntry>(&entry.body)) {
      check(arrival->port != control_port && arrival->payload.size() <= limits::message_max_bytes, "an arrival");
    }
    if (const auto* digest = std::get_if<DigestEntry>(&entry.body)) {
      check(digest->state.size() <= state_max_bytes && digest->memory_sums.size() <= memory_sums_max, "a digest");
    }
  }
  std::vector<Entry> again;
  check(EntryDecoder().decode(EntryEncoder().encode(entries), again).ok(), "what was accepted can be written");
  check(again.size() == entries.size() && begins(entries, again), "what was accepted stays what it is");
}

void decode(Bytes batch) {
  std::vector<Entry> entries;
  if (EntryDecoder().decode(batch, entries).ok()) check_decoded(entries);
}

void read_frames(Bytes bytes) {
  Chain chain = start;
  for (Frame frame = read_frame(bytes, chain); frame.fault == FrameFault::none; frame = read_frame(bytes, chain)) {
    check(frame.bytes >= frame_header_bytes && frame.bytes <= bytes.size(), "a frame has its bytes");
    chain = frame.after;
    bytes = bytes.subspan(frame.bytes);
  }
}

struct Read {
  std::vector<Entry> entries;
  bool complete = false;
};

Read read_log() {
  Read read;
  auto reader = LogReader::open(desk().path(), start);
  check(reader.ok(), "the folder is there");
  for (;;) {
    auto next = reader.value().next();
    if (!next.ok()) {
      check(next.error().code == ExitCode::bad_input && next.error().text.ends_with("."), "damage is a sentence");
      return read;
    }
    if (!next.value()) break;
    check(read.entries.empty() || read.entries.back().tick <= next.value()->tick, "ticks do not fall");
    read.entries.push_back(std::move(*next.value()));
  }
  read.complete = reader.value().complete();
  check(read.complete == reader.value().cut().empty(), "a log is complete, or says why not");
  return read;
}

void put_segment(const Data& bytes, bool sealed) {
  const SegmentNames names = segment_names(desk().path(), 0);
  std::filesystem::remove(sealed ? names.open : names.sealed);
  desk().file(sealed ? "000000.zst" : "000000.open", bytes);
}

/// As segment.h tells it, with a checksum that is right for any contents.
Data sealed(const Data& body, std::uint64_t claimed_bytes) {
  Data bytes(36);
  const auto put = [&](std::size_t at, std::uint64_t value, unsigned width) {
    for (unsigned i = 0; i < width; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  };
  put(0, 0x184d'2a50, 4);
  put(4, 28, 4);
  std::copy_n("LSSG", 4, &bytes[8]);
  put(12, claimed_bytes, 8);
  put(20, XXH3_64bits(body.data(), body.size()), 8);
  put(28, XXH3_64bits(&bytes[8], 20), 8);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

Data compressed(const Data& from) {
  Data to(ZSTD_compressBound(from.size()));
  to.resize(ZSTD_compress(to.data(), to.size(), from.data(), from.size(), 1));
  return to;
}

struct Log {
  std::vector<Entry> entries;
  std::vector<Data> messages;
  Data frames;
  std::vector<std::size_t> ends;  ///< of each frame
};

Log log_of(ByteChoice& choice) {
  Log log;
  EntryEncoder encoder;
  Chain chain = start;
  Tick last;
  for (std::uint64_t batches = 1 + choice.below(5); batches-- > 0;) {
    auto entries = entries_of(choice);
    for (Entry& entry : entries) last = entry.tick = std::max(entry.tick, last);
    if (batches == 0) entries.push_back({last, EndEntry{2, 7, {5, 6}}});
    log.messages.push_back(encoder.encode(entries));
    chain = append_frame(log.frames, log.messages.back(), chain);
    log.ends.push_back(log.frames.size());
    std::move(entries.begin(), entries.end(), std::back_inserter(log.entries));
  }
  return log;
}

/// Some bytes of the file are others: what is still read is the beginning of what was written.
void change_file(ByteChoice& choice) {
  const Log log = log_of(choice);
  const bool is_sealed = choice.one_in(2);
  Data file = is_sealed ? compressed(log.frames) : log.frames;
  if (is_sealed) file = sealed(file, file.size());
  const Data before = file;
  change(file, choice);
  put_segment(file, is_sealed);
  const Read read = read_log();
  check(begins(log.entries, read.entries), "only what was written is read");
  if (read.complete) check(file == before, "a changed log is not complete");
}

/// Frames are exchanged, doubled, lost.
void change_order(ByteChoice& choice) {
  const Log log = log_of(choice);
  Data file;
  std::vector<std::size_t> order;
  for (std::uint64_t i = choice.below(8); i-- > 0;) order.push_back(choice.below(log.ends.size()));
  for (const std::size_t n : order) {
    const std::size_t from = n == 0 ? 0 : log.ends[n - 1];
    file.insert(file.end(), log.frames.begin() + static_cast<std::ptrdiff_t>(from),
                log.frames.begin() + static_cast<std::ptrdiff_t>(log.ends[n]));
  }
  put_segment(file, false);
  const Read read = read_log();
  check(begins(log.entries, read.entries), "only what was written is read");
  if (read.complete) check(file == log.frames, "a log in another order is not complete");
}

/// Messages are changed and then framed as if they were meant: only the decoder is left to object.
void change_messages(ByteChoice& choice) {
  const Log log = log_of(choice);
  Data frames;
  Chain chain = start;
  for (Data message : log.messages) {
    if (choice.one_in(2)) change(message, choice);
    chain = append_frame(frames, message, chain);
    decode(message);
  }
  put_segment(frames, false);
  read_log();
}

Header header_of(ByteChoice& choice) {
  Header header;
  header.build = std::string(choice.below(20), 'b');
  header.engine.name = "interp";
  header.cpuid.resize(choice.below(5));
  header.board.name = "PC-1";
  header.board.memory_bytes = choice.next();
  header.board.disks.resize(choice.below(3));
  header.board.ports = {"serial", "net"};
  if (choice.one_in(2)) header.board.network_mac.emplace();
  header.images.push_back({"kernel", "/a", choice.next(), {1, 2}});
  return header;
}

void change_header(ByteChoice& choice) {
  Header header = header_of(choice);
  const std::string path = desk().file("header");
  check(write_header(path, header).ok(), "a header is written");
  const Data before = desk().contents("header");
  if (choice.one_in(2)) {
    Data bytes = before;
    change(bytes, choice);
    desk().file("header", bytes);
    const auto read = read_header(path);
    check(read.ok() == (bytes == before), "a changed header is refused, another is not");
    return;
  }
  Data message(before.begin() + frame_header_bytes, before.end());
  change(message, choice);
  Data bytes;
  append_frame(bytes, message, Chain{});
  desk().file("header", bytes);
  (void)read_header(path);
}

void bytes_as_they_are(ByteChoice& choice, std::uint64_t kind) {
  const Data bytes = rest_of(choice);
  Data framed;
  append_frame(framed, bytes, kind == 1 ? Chain{} : start);
  switch (kind) {
    case 0:
      desk().file("header", bytes);
      check(!read_header(desk().file("header")).ok(), "bytes are no header");
      break;
    case 1:
      desk().file("header", framed);
      (void)read_header(desk().file("header"));
      break;
    case 2:
      read_frames(bytes);
      read_frames(framed);
      break;
    case 3:
      decode(bytes);
      break;
    case 4:
      put_segment(bytes, false);
      read_log();
      put_segment(framed, false);
      read_log();
      break;
    case 5:
      put_segment(bytes, true);
      read_log();
      put_segment(sealed(bytes, bytes.size()), true);
      read_log();
      break;
    case 6:
      put_segment(sealed(bytes, ~std::uint64_t{0}), true);
      read_log();
      put_segment(sealed(compressed(bytes), bytes.size() / 2), true);
      read_log();
      break;
    default: {
      Data zeros(4u << 20);
      const Data bomb = compressed(zeros);
      Data many;
      for (std::size_t i = 0; i < 1 + bytes.size() % 3; ++i) many.insert(many.end(), bomb.begin(), bomb.end());
      put_segment(sealed(many, many.size()), true);
      read_log();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  const std::uint64_t kind = choice.below(24);
  if (kind < 8) {
    bytes_as_they_are(choice, kind);
  } else if (kind < 12) {
    change_file(choice);
  } else if (kind < 14) {
    change_order(choice);
  } else if (kind < 21) {
    change_messages(choice);
  } else {
    change_header(choice);
  }
  return 0;
}
