// Bytes as a checkpoint and as a store of pages; and valid ones in which bytes drive the changes, of bytes and of
// messages under checksums that are right again. Whatever comes, reading ends, takes bounded memory, stays inside the
// regions, and gives no page that was not written.
#include <fmt/format.h>
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sync/checkpoint/checkpoint_codec.h"
#include "sync/checkpoint/checkpoint_file.h"
#include "sync/checkpoint/page_store.h"
#include "sync/log/frame.h"
#include "tests/contract/support/choice.h"
#include "tests/fuzz/log/allocation_limit.h"
#include "tests/unit/world/temporary_folder.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;

/// A checkpoint's message may have 256 MiB once it is unpacked.
const std::size_t test::allocation_limit = (256u << 20) + (1u << 20);

namespace {

using Data = std::vector<std::uint8_t>;

const Digest trace{3, 4};

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

// ---- The store

constexpr std::size_t header_bytes = 40;

void put(std::uint8_t* at, std::uint64_t value, unsigned width) {
  for (unsigned i = 0; i < width; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

/// As page_store.h tells it, with checks that are right for any contents.
Data block(std::uint32_t pages, PageId first, const Data& body, std::uint64_t claimed_bytes) {
  Data bytes(header_bytes);
  put(&bytes[0], 0x4250'534c, 4);
  put(&bytes[4], pages, 4);
  put(&bytes[8], first, 8);
  put(&bytes[16], claimed_bytes, 8);
  Data checked(bytes.begin(), bytes.begin() + 24);
  checked.resize(40);
  put(&checked[24], trace.high, 8);
  put(&checked[32], trace.low, 8);
  put(&bytes[24], XXH3_64bits(checked.data(), checked.size()), 8);
  put(&bytes[32], XXH3_64bits(body.data(), body.size()), 8);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

Data compressed(const Data& from) {
  Data to(ZSTD_compressBound(from.size()));
  to.resize(ZSTD_compress(to.data(), to.size(), from.data(), from.size(), 1));
  return to;
}

Data page_of(PageId id) {
  Data page(page_bytes, static_cast<std::uint8_t>(id));
  put(&page[0], id, 8);
  return page;
}

constexpr PageId pages_stored = 24;

/// Pages 1 to 24 in blocks of eight.
Data valid_store() {
  Data bytes;
  for (PageId first = 1; first < pages_stored; first += 8) {
    Data pages;
    for (PageId id = first; id < first + 8; ++id) {
      const Data page = page_of(id);
      pages.insert(pages.end(), page.begin(), page.end());
    }
    const Data body = compressed(pages);
    const Data whole = block(8, first, body, body.size());
    bytes.insert(bytes.end(), whole.begin(), whole.end());
  }
  return bytes;
}

/// What every page that is read must be.
enum class Expected { anything, of_valid_store, ones };

Data expected_page(Expected expected, PageId id) {
  return expected == Expected::ones ? Data(page_bytes, 0xff) : page_of(id);
}

void read_store(const Data& bytes, Expected expected) {
  desk().file("pages", bytes);
  const auto store = PageStoreReader::open(desk().file("pages"), trace);
  if (!store.ok()) {
    check(store.error().code == ExitCode::bad_input, "a store is good or bad");
    return;
  }
  PageId next = 1;
  std::vector<std::uint8_t> pages;
  for (const StoreBlock& found : store.value().blocks()) {
    check(found.first == next, "the ids of a store have no gaps");
    next += found.pages;
    if (!store.value().read(found, pages).ok()) continue;
    check(pages.size() == found.pages * page_bytes, "a block has its pages");
    for (PageId i = 0; expected != Expected::anything && i < found.pages; ++i) {
      const Data page = expected_page(expected, found.first + i);
      check(std::equal(page.begin(), page.end(), pages.begin() + static_cast<std::ptrdiff_t>(i * page_bytes)),
            "only what was stored is read");
    }
  }
  check(store.value().last() == next - 1, "the last id is that of the last block");
  check(store.value().end_offset() <= bytes.size(), "the end of a store is inside it");
}

void change_store(ByteChoice& choice) {
  Data bytes = valid_store();
  change(bytes, choice);
  read_store(bytes, Expected::of_valid_store);
}

/// Blocks whose checks are right and whose lengths and numbers are not.
void forge_store(ByteChoice& choice) {
  Data bytes;
  PageId next = 1;
  Expected expected = Expected::ones;
  for (std::uint64_t blocks = 1 + choice.below(4); blocks-- > 0;) {
    Data contents((1 + choice.below(4)) * page_bytes - (choice.one_in(3) ? choice.below(9) : 0), 0xff);
    Data body = compressed(contents);
    if (choice.one_in(4)) body.assign(choice.below(90), static_cast<std::uint8_t>(choice.take(1)));
    if (choice.one_in(8)) {
      change(body, choice);
      expected = Expected::anything;
    }
    const auto pages = static_cast<std::uint32_t>(choice.one_in(3) ? choice.next() : 1 + choice.below(4));
    const PageId first = choice.one_in(5) ? choice.take(8) : next;
    const std::uint64_t claimed = choice.one_in(4) ? choice.take(8) : body.size();
    const Data whole = block(pages, first, body, claimed);
    bytes.insert(bytes.end(), whole.begin(), whole.end());
    next += pages;
  }
  read_store(bytes, expected);
}

// ---- The checkpoint

bool equal(const CheckpointContents& a, const CheckpointContents& b) { return encode(a) == encode(b); }

CheckpointContents contents_of(ByteChoice& choice) {
  CheckpointContents contents;
  contents.trace = trace;
  contents.tick = Tick{choice.next()};
  contents.ns = VirtualNs{choice.next()};
  contents.digest = {choice.next(), 6};
  contents.state.assign(choice.below(900), static_cast<std::uint8_t>(choice.take(1)));
  for (std::uint64_t regions = choice.below(4); regions-- > 0;) {
    contents.shapes.push_back({fmt::format("region{}", regions), 1 + choice.below(200)});
    std::vector<PageRun> runs;
    std::uint64_t page = 0;
    for (std::uint64_t count = choice.below(6); count-- > 0;) {
      PageRun run{page + choice.below(8), 1 + choice.below(9), 1 + choice.below(pages_stored)};
      // Mostly pages that are stored; a reader has to find out which are not.
      if (!choice.one_in(8)) run.count = std::min(run.count, pages_stored + 1 - run.first_id);
      if (run.first_page + run.count > contents.shapes.back().pages) break;
      page = run.first_page + run.count;
      runs.push_back(run);
    }
    contents.runs.push_back(std::move(runs));
  }
  return contents;
}

void check_decoded(const CheckpointContents& contents) {
  check(contents.shapes.size() == contents.runs.size(), "every region has its runs");
  for (std::size_t region = 0; region < contents.shapes.size(); ++region) {
    std::uint64_t page = 0;
    for (const PageRun& run : contents.runs[region]) {
      check(run.count >= 1 && run.first_id >= 1 && run.first_page >= page, "runs ascend");
      page = run.first_page + run.count;
      check(page <= contents.shapes[region].pages, "a run lies in its region");
    }
  }
  const auto again = decode_checkpoint(encode(contents));
  check(again.ok() && equal(again.value(), contents), "what was accepted stays what it is");
}

void decode(Bytes message) {
  const auto contents = decode_checkpoint(message);
  if (contents.ok()) check_decoded(contents.value());
}

/// `wanted`: what the pages of each region must be when they load.
void load(const Data& file_bytes, const CheckpointContents* wanted) {
  desk().file("pages", valid_store());
  const auto file = CheckpointFile::open(desk().file("x.checkpoint", file_bytes), trace);
  if (!file.ok()) {
    check(file.error().code == ExitCode::bad_input && file.error().text.ends_with("."), "a refusal is a sentence");
    return;
  }
  bool all = true;
  for (std::size_t region = 0; region < file.value().shapes().size(); ++region) {
    std::map<std::uint64_t, PageId> given;
    const Outcome loaded = file.value().load(region, [&](std::uint64_t number, Bytes contents) {
      check(number < file.value().shapes()[region].pages, "a page lies in its region");
      check(contents.size() == page_bytes, "a page is a page");
      PageId id = 0;
      for (unsigned i = 0; i < 8; ++i) id |= PageId{contents[i]} << (8 * i);
      check(given.emplace(number, id).second, "a page is given once");
    });
    all = all && loaded.ok();
    if (!loaded.ok() || wanted == nullptr) continue;
    std::map<std::uint64_t, PageId> right;
    for (const PageRun& run : wanted->runs[region]) {
      for (std::uint64_t i = 0; i < run.count; ++i) right[run.first_page + i] = run.first_id + i;
    }
    check(given == right, "every page is the one that was named");
  }
  check(file.value().verify().ok() == all, "what verifies loads, and the other way round");
}

void change_checkpoint(ByteChoice& choice, std::uint64_t kind) {
  const CheckpointContents contents = contents_of(choice);
  Data message = encode(contents);
  Data file;
  switch (kind) {
    case 0:
      append_frame(file, message, trace);
      load(file, &contents);
      change(file, choice);
      load(file, &contents);
      break;
    case 1: {
      CheckpointContents other = contents;
      other.trace = {9, 9};
      append_frame(file, encode(other), trace);
      desk().file("pages", valid_store());
      check(!CheckpointFile::open(desk().file("x.checkpoint", file), trace).ok(), "another trace's is refused");
      break;
    }
    default:
      change(message, choice);
      decode(message);
      append_frame(file, message, trace);
      load(file, nullptr);
  }
}

void bytes_as_they_are(ByteChoice& choice, std::uint64_t kind) {
  const Data bytes = rest_of(choice);
  Data framed;
  switch (kind) {
    case 0:
      decode(bytes);
      append_frame(framed, bytes, trace);
      load(framed, nullptr);
      break;
    case 1:
      load(bytes, nullptr);
      break;
    case 2:
      read_store(bytes, Expected::anything);
      break;
    default:
      read_store(block(static_cast<std::uint32_t>(1 + bytes.size() % 256), 1, bytes, bytes.size()), Expected::anything);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteChoice choice(data, size);
  const std::uint64_t kind = choice.below(16);
  if (kind < 4) {
    bytes_as_they_are(choice, kind);
  } else if (kind < 6) {
    change_store(choice);
  } else if (kind < 9) {
    forge_store(choice);
  } else {
    change_checkpoint(choice, kind - 9);
  }
  return 0;
}
