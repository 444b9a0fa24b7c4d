// See checkpoint_codec.h.
#include "sync/checkpoint/checkpoint_codec.h"

#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/exception.h>
#include <kj/io.h>
#include <zstd.h>

#include "lockstitch/assert.h"
#include "sync/checkpoint/checkpoint.capnp.h"

namespace lockstitch::sync {
namespace {

constexpr std::uint32_t format = 1;
/// Unit: bytes. A machine's state without RAM; PC-1 has some 20 KB.
constexpr std::uint64_t state_max_bytes = 16u << 20;
constexpr unsigned regions_max = 64;
/// Unit: pages. 16 TiB: RAM is bounded by limits.h, disks are not.
constexpr std::uint64_t region_max_pages = 1ull << 32;
/// Unit: 8-byte words. What a damaged message can make us allocate.
constexpr std::uint64_t message_max_words = 32u << 20;

Error bad(std::string what) { return {ExitCode::bad_input, std::move(what)}; }

Outcome read_state(schema::Checkpoint::Reader from, std::vector<std::uint8_t>& state) {
  if (from.getStateBytes() > state_max_bytes) return bad("its state is longer than its limit");
  state.resize(from.getStateBytes());
  const auto packed = from.getState();
  const std::size_t length = ZSTD_decompress(state.data(), state.size(), packed.begin(), packed.size());
  if (ZSTD_isError(length) || length != state.size()) return bad("its state cannot be decompressed");
  return success();
}

Outcome read_region(schema::Region::Reader from, RegionShape& shape, std::vector<PageRun>& runs) {
  shape = {from.getName(), from.getPages()};
  if (shape.pages > region_max_pages) return bad("a region is larger than its limit");
  std::uint64_t next_page = 0;
  for (const auto run : from.getRuns()) {
    const PageRun read{run.getFirstPage(), run.getCount(), run.getFirstId()};
    const bool inside = read.first_page >= next_page && read.count >= 1 && read.first_page < shape.pages &&
                        read.count <= shape.pages - read.first_page && read.first_id >= 1 &&
                        read.first_id <= ~std::uint64_t{0} - read.count;
    if (!inside) return bad("its pages lie outside their region");
    next_page = read.first_page + read.count;
    runs.push_back(read);
  }
  return success();
}

Result<CheckpointContents> contents_of(schema::Checkpoint::Reader from) {
  if (from.getFormatVersion() != format) return bad("it has a format that this program does not know");
  CheckpointContents contents;
  contents.trace = {from.getTraceHigh(), from.getTraceLow()};
  contents.tick = Tick{from.getTick()};
  contents.ns = VirtualNs{from.getVirtualNs()};
  contents.digest = {from.getDigestHigh(), from.getDigestLow()};
  if (const Outcome state = read_state(from, contents.state); !state) return state.error();
  const auto regions = from.getRegions();
  if (regions.size() > regions_max) return bad("it has too many regions");
  for (const auto region : regions) {
    contents.shapes.emplace_back();
    contents.runs.emplace_back();
    const Outcome read = read_region(region, contents.shapes.back(), contents.runs.back());
    if (!read) return read.error();
  }
  return contents;
}

}  // namespace

std::vector<std::uint8_t> encode(const CheckpointContents& contents) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<schema::Checkpoint>();
  to.setFormatVersion(format);
  to.setTraceHigh(contents.trace.high);
  to.setTraceLow(contents.trace.low);
  to.setTick(contents.tick.value);
  to.setVirtualNs(contents.ns.value);
  to.setDigestHigh(contents.digest.high);
  to.setDigestLow(contents.digest.low);

  LS_ASSERT_CMP(contents.state.size(), <=, state_max_bytes);
  std::vector<std::uint8_t> state(ZSTD_compressBound(contents.state.size()));
  const std::size_t length =
      ZSTD_compress(state.data(), state.size(), contents.state.data(), contents.state.size(), ZSTD_defaultCLevel());
  LS_ASSERT(!ZSTD_isError(length));
  to.setState({state.data(), length});
  to.setStateBytes(contents.state.size());

  auto regions = to.initRegions(static_cast<unsigned>(contents.shapes.size()));
  for (unsigned i = 0; i < regions.size(); ++i) {
    regions[i].setName(contents.shapes[i].name);
    regions[i].setPages(contents.shapes[i].pages);
    auto runs = regions[i].initRuns(static_cast<unsigned>(contents.runs[i].size()));
    for (unsigned k = 0; k < runs.size(); ++k) {
      runs[k].setFirstPage(contents.runs[i][k].first_page);
      runs[k].setCount(contents.runs[i][k].count);
      runs[k].setFirstId(contents.runs[i][k].first_id);
    }
  }
  kj::VectorOutputStream bytes;
  capnp::writePackedMessage(bytes, message);
  const auto array = bytes.getArray();
  return {array.begin(), array.end()};
}

Result<CheckpointContents> decode_checkpoint(Bytes bytes) {
  try {
    kj::ArrayInputStream stream({bytes.data(), bytes.size()});
    capnp::ReaderOptions options;
    options.traversalLimitInWords = message_max_words;
    capnp::PackedMessageReader message(stream, options);
    return contents_of(message.getRoot<schema::Checkpoint>());
  } catch (const kj::Exception& exception) {
    return bad(std::string("it is no Cap'n Proto checkpoint: ") + exception.getDescription().cStr());
  }
}

}  // namespace lockstitch::sync
