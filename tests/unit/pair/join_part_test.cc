// Parts of a machine as bytes and back, and bytes that are none.
#include "sync/peer/join_part.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>
#include <zstd.h>

#include <functional>

#include "sync/peer/join.capnp.h"
#include "tests/unit/pair/bytes.h"

namespace lockstitch::sync {
namespace {

using test::Random;
using test::random_bytes;
using test::random_number;
using Data = std::vector<std::uint8_t>;

Data pages_of(Random& random, std::size_t count) {
  Data contents(count * page_bytes);
  for (std::size_t page = 0; page < count; ++page) {
    const auto byte = static_cast<std::uint8_t>(random.next());
    for (std::size_t i = 0; i < page_bytes; ++i) {
      contents[page * page_bytes + i] = random.one_in(3) ? static_cast<std::uint8_t>(random.next()) : byte;
    }
  }
  return contents;
}

std::vector<std::uint64_t> random_numbers(Random& random, std::size_t count) {
  std::vector<std::uint64_t> numbers(count);
  for (auto& number : numbers) number = random_number(random);
  return numbers;
}

JoinPart random_part(Random& random, std::size_t kind) {
  const auto disk = static_cast<std::uint16_t>(random.next());
  const std::size_t count = random.below(6);
  switch (kind) {
    case 0: {
      DiskSums sums{disk, random_number(random), {}};
      for (std::size_t i = 0; i < count; ++i) sums.sums.push_back({random.next(), random.next()});
      return sums;
    }
    case 1:
      return DiskData{disk, random_numbers(random, count), pages_of(random, count)};
    case 2:
      return RamPages{random_numbers(random, count), pages_of(random, count)};
    case 3:
      return MachineState{{random_number(random)}, {random.next(), random.next()}, random_bytes(random, 5000)};
    default:
      return JoinProgress{random_number(random), random_number(random)};
  }
}

bool same(const DiskSums& a, const DiskSums& b) {
  return a.disk == b.disk && a.first_chunk == b.first_chunk && a.sums == b.sums;
}
bool same(const DiskData& a, const DiskData& b) {
  return a.disk == b.disk && a.clusters == b.clusters && a.contents == b.contents;
}
bool same(const RamPages& a, const RamPages& b) { return a.numbers == b.numbers && a.contents == b.contents; }
bool same(const MachineState& a, const MachineState& b) {
  return a.tick == b.tick && a.digest == b.digest && a.state == b.state;
}
bool same(const JoinProgress& a, const JoinProgress& b) {
  return a.done_bytes == b.done_bytes && a.total_bytes == b.total_bytes;
}

bool equal(const JoinPart& a, const JoinPart& b) {
  if (a.index() != b.index()) return false;
  return std::visit([&](const auto& part) { return same(part, std::get<std::decay_t<decltype(part)>>(b)); }, a);
}

/// Whatever the bytes are: a part within the bounds, or a sentence.
void check_bounds(const Result<JoinPart>& part) {
  if (!part.ok()) {
    CHECK(part.error().code == ExitCode::bad_input);
    return test::check_sentence(part.error());
  }
  if (const auto* data = std::get_if<DiskData>(&part.value())) {
    CHECK(data->contents.size() == data->clusters.size() * page_bytes);
    CHECK(data->contents.size() <= join_part_max_bytes);
  }
  if (const auto* pages = std::get_if<RamPages>(&part.value())) {
    CHECK(pages->contents.size() == pages->numbers.size() * page_bytes);
    CHECK(pages->contents.size() <= join_part_max_bytes);
  }
}

TEST_CASE("every part that is encoded is decoded as it was, wherever its bytes lie") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed);
  for (unsigned round = 0; round < 30; ++round) {
    for (std::size_t kind = 0; kind < std::variant_size_v<JoinPart>; ++kind) {
      CAPTURE(kind);
      const JoinPart part = random_part(random, kind);
      REQUIRE(part.index() == kind);
      Data bytes = encode(part);
      const std::size_t odd = random.below(8);
      bytes.insert(bytes.begin(), odd, 0);
      const auto back = decode_join_part(Bytes(bytes).subspan(odd));
      REQUIRE(back.ok());
      REQUIRE(equal(part, back.value()));
    }
  }
}

TEST_CASE("a part that is cut anywhere is refused") {
  Random random(test::run_seed());
  for (std::size_t kind = 0; kind < std::variant_size_v<JoinPart>; ++kind) {
    const Data bytes = encode(random_part(random, kind));
    const std::size_t step = bytes.size() / 300 + 1;
    for (std::size_t length = 0; length < bytes.size(); length += step) {
      CAPTURE(kind);
      CAPTURE(length);
      const auto part = decode_join_part(Bytes(bytes).first(length));
      CHECK(!part.ok());
      check_bounds(part);
    }
  }
}

TEST_CASE("a part with any byte changed is another part within the bounds, or refused") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  Random random(seed);
  for (std::size_t kind = 0; kind < std::variant_size_v<JoinPart>; ++kind) {
    const Data bytes = encode(random_part(random, kind));
    const std::size_t step = bytes.size() / 1000 + 1;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      Data changed = bytes;
      changed[at] ^= static_cast<std::uint8_t>(1 + random.below(255));
      check_bounds(decode_join_part(changed));
    }
  }
}

/// Bytes of a part that `fill` makes with other lengths than encode() would.
Data raw(const std::function<void(schema::JoinPart::Builder)>& fill) {
  capnp::MallocMessageBuilder message;
  fill(message.initRoot<schema::JoinPart>());
  const auto words = capnp::messageToFlatArray(message);
  return {words.asBytes().begin(), words.asBytes().end()};
}

Data zeros_compressed(std::size_t size) {
  const Data zeros(size);
  Data frame(ZSTD_compressBound(size));
  frame.resize(ZSTD_compress(frame.data(), frame.size(), zeros.data(), size, 1));
  return frame;
}

TEST_CASE("lengths that do not fit, and contents beyond their bound, are refused") {
  const Data page = zeros_compressed(page_bytes), bomb = zeros_compressed(join_part_max_bytes + page_bytes),
             large_state = zeros_compressed((16u << 20) + 1);
  const auto data = [](const Data& bytes) { return kj::ArrayPtr<const kj::byte>(bytes.data(), bytes.size()); };
  const std::vector<std::pair<const char*, Data>> cases{
      {"two numbers for one page", raw([&](auto part) {
         auto pages = part.initPages();
         pages.initNumbers(2);
         pages.setContents(data(page));
       })},
      {"a page without a number", raw([&](auto part) { part.initPages().setContents(data(page)); })},
      {"pages beyond the bound", raw([&](auto part) {
         auto pages = part.initPages();
         pages.initNumbers(static_cast<unsigned>(join_part_max_bytes / page_bytes + 1));
         pages.setContents(data(bomb));
       })},
      {"clusters beyond the bound", raw([&](auto part) {
         auto disk = part.initDiskData();
         disk.initClusters(static_cast<unsigned>(join_part_max_bytes / page_bytes + 1));
         disk.setContents(data(bomb));
       })},
      {"a state beyond the bound", raw([&](auto part) { part.initState().setState(data(large_state)); })},
      {"contents that are no zstd", raw([&](auto part) {
         part.initState().setState(data({1, 2, 3, 4}));
       })},
      {"no contents at all", raw([&](auto part) { part.initState(); })},
      {"half a sum", raw([&](auto part) { part.initDiskSums().initSums(24); })},
      {"nothing", {}},
  };
  for (const auto& [name, bytes] : cases) {
    CAPTURE(name);
    const auto part = decode_join_part(bytes);
    CHECK(!part.ok());
    check_bounds(part);
  }
}

}  // namespace
}  // namespace lockstitch::sync
