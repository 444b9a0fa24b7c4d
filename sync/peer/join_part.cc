// See join_part.h.
#include "sync/peer/join_part.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <string>

#include "sync/peer/join.capnp.h"

namespace lockstitch::sync {
namespace {

/// The link is usually faster than any better compression.
constexpr int level = 1;
/// Unit: bytes. A machine's state without RAM.
constexpr std::size_t state_max = 16u << 20;

std::vector<std::uint8_t> compress(Bytes bytes) {
  std::vector<std::uint8_t> out(ZSTD_compressBound(bytes.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level));
  return out;
}

kj::ArrayPtr<const kj::byte> data_of(const std::vector<std::uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

/// Throws kj::Exception.
std::vector<std::uint8_t> expand(capnp::Data::Reader data, std::size_t limit) {
  const auto size = ZSTD_getFrameContentSize(data.begin(), data.size());
  KJ_REQUIRE(size != ZSTD_CONTENTSIZE_ERROR && size != ZSTD_CONTENTSIZE_UNKNOWN && size <= limit);
  std::vector<std::uint8_t> out(size);
  KJ_REQUIRE(ZSTD_decompress(out.data(), out.size(), data.begin(), data.size()) == size);
  return out;
}

template <class List>
std::vector<std::uint64_t> numbers_of(List list, const std::vector<std::uint8_t>& contents) {
  KJ_REQUIRE(list.size() * page_bytes == contents.size());
  std::vector<std::uint64_t> numbers;
  for (const std::uint64_t number : list) numbers.push_back(number);
  return numbers;
}

template <class List>
void set_numbers(List list, const std::vector<std::uint64_t>& numbers) {
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, numbers[i]);
}

struct Writer {
  schema::JoinPart::Builder to;

  void operator()(const DiskSums& part) {
    auto sums = to.initDiskSums();
    sums.setDisk(part.disk);
    sums.setFirstChunk(part.first_chunk);
    auto bytes = sums.initSums(static_cast<unsigned>(part.sums.size() * 16));
    for (std::size_t i = 0; i < part.sums.size(); ++i) {
      for (unsigned b = 0; b < 8; ++b) {
        bytes[i * 16 + b] = static_cast<kj::byte>(part.sums[i].high >> (8 * b));
        bytes[i * 16 + 8 + b] = static_cast<kj::byte>(part.sums[i].low >> (8 * b));
      }
    }
  }
  void operator()(const DiskData& part) {
    auto data = to.initDiskData();
    data.setDisk(part.disk);
    set_numbers(data.initClusters(static_cast<unsigned>(part.clusters.size())), part.clusters);
    data.setContents(data_of(compress(part.contents)));
  }
  void operator()(const RamPages& part) {
    auto pages = to.initPages();
    set_numbers(pages.initNumbers(static_cast<unsigned>(part.numbers.size())), part.numbers);
    pages.setContents(data_of(compress(part.contents)));
  }
  void operator()(const MachineState& part) {
    auto state = to.initState();
    state.setTick(part.tick.value);
    state.setDigestHigh(part.digest.high);
    state.setDigestLow(part.digest.low);
    state.setState(data_of(compress(part.state)));
  }
  void operator()(const JoinProgress& part) {
    auto progress = to.initProgress();
    progress.setDoneBytes(part.done_bytes);
    progress.setTotalBytes(part.total_bytes);
  }
};

/// Throws kj::Exception.
JoinPart read(schema::JoinPart::Reader from) {
  switch (from.which()) {
    case schema::JoinPart::DISK_SUMS: {
      const auto part = from.getDiskSums();
      DiskSums sums{part.getDisk(), part.getFirstChunk(), {}};
      const auto bytes = part.getSums();
      KJ_REQUIRE(bytes.size() % 16 == 0);
      for (std::size_t at = 0; at < bytes.size(); at += 16) {
        Digest sum;
        for (unsigned b = 0; b < 8; ++b) {
          sum.high |= std::uint64_t{bytes[at + b]} << (8 * b);
          sum.low |= std::uint64_t{bytes[at + 8 + b]} << (8 * b);
        }
        sums.sums.push_back(sum);
      }
      return sums;
    }
    case schema::JoinPart::DISK_DATA: {
      const auto part = from.getDiskData();
      DiskData data{part.getDisk(), {}, expand(part.getContents(), join_part_max_bytes)};
      data.clusters = numbers_of(part.getClusters(), data.contents);
      return data;
    }
    case schema::JoinPart::PAGES: {
      RamPages pages{{}, expand(from.getPages().getContents(), join_part_max_bytes)};
      pages.numbers = numbers_of(from.getPages().getNumbers(), pages.contents);
      return pages;
    }
    case schema::JoinPart::STATE: {
      const auto part = from.getState();
      return MachineState{
          {part.getTick()}, {part.getDigestHigh(), part.getDigestLow()}, expand(part.getState(), state_max)};
    }
    case schema::JoinPart::PROGRESS:
      return JoinProgress{from.getProgress().getDoneBytes(), from.getProgress().getTotalBytes()};
  }
  KJ_FAIL_REQUIRE("an unknown kind of part");
}

}  // namespace

std::vector<std::uint8_t> encode(const JoinPart& part) {
  capnp::MallocMessageBuilder message;
  std::visit(Writer{message.initRoot<schema::JoinPart>()}, part);
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

Result<JoinPart> decode_join_part(Bytes bytes) {
  try {
    // The bytes come out of another message and need not be aligned.
    auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    std::copy_n(bytes.begin(), words.asBytes().size(), words.asBytes().begin());
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 16u << 20;
    capnp::FlatArrayMessageReader message(words, options);
    return read(message.getRoot<schema::JoinPart>());
  } catch (const kj::Exception& exception) {
    return Error{ExitCode::bad_input,
                 std::string("a part of the machine is damaged (") + exception.getDescription().cStr() + ")"};
  }
}

Digest chunk_sum(Bytes chunk) {
  const XXH128_hash_t hash = XXH3_128bits(chunk.data(), chunk.size());
  return {hash.high64, hash.low64};
}

}  // namespace lockstitch::sync
