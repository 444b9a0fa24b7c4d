// See header.h. The file is one frame whose payload is the packed Header of log.capnp.
#include "sync/log/header.h"

#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <fmt/format.h>
#include <kj/exception.h>
#include <kj/io.h>

#include "sync/log/file_bytes.h"
#include "sync/log/frame.h"
#include "sync/log/log.capnp.h"

namespace lockstitch::sync {
namespace {

/// Unit: bytes. A header has a few KB.
constexpr std::size_t header_max_bytes = 16u << 20;

BoardDescription board_of(schema::Board::Reader from) {
  BoardDescription board;
  board.name = from.getName();
  board.memory_bytes = from.getMemoryBytes();
  board.ns_per_tick = from.getNsPerTick();
  board.digest_ignored_bits = from.getDigestIgnoredBits();
  board.rtc_start_seconds = from.getRtcStartSeconds();
  board.seed = from.getSeed();
  board.command_line = from.getCommandLine();
  board.flat_kernel = from.getFlatKernel();
  board.reboots = from.getReboots();
  board.virtio_console = from.getVirtioConsole();
  if (const auto mac = from.getNetworkMac(); mac.size() == 6) {
    board.network_mac.emplace();
    std::copy(mac.begin(), mac.end(), board.network_mac->begin());
  }
  for (const auto disk : from.getDisks()) board.disks.push_back({disk.getReadOnly()});
  for (const auto port : from.getPorts()) board.ports.emplace_back(port);
  board.pc = from.getPc();
  return board;
}

Header decode(schema::Header::Reader from) {
  Header header;
  header.version = from.getFormatVersion();
  header.ticks = from.getTickSemantics();
  header.build = from.getBuild();
  header.created_ns = from.getCreatedNs();
  header.paced = from.getPaced();
  header.digest_every = from.getDigestEvery();
  header.numeric_mode = from.getNumericMode();
  const auto engine = from.getEngine();
  header.engine = {engine.getName(),     engine.getCountsExactly(), engine.getStopsExactly(),
                   engine.getTrapsTsc(), engine.getTrapsRandom(),   engine.getNoVisibleTlb(),
                   static_cast<TickUnit>(engine.getTickUnit())};
  for (const auto row : from.getCpuid()) {
    header.cpuid.push_back({row.getLeaf(), row.getSubleaf(), row.getEax(), row.getEbx(), row.getEcx(), row.getEdx()});
  }
  header.board = board_of(from.getBoard());
  for (const auto image : from.getImages()) {
    header.images.push_back({image.getRole(),
                             image.getPath(),
                             image.getBytes(),
                             {image.getHash().getHigh(), image.getHash().getLow()},
                             image.getFormat()});
  }
  return header;
}

}  // namespace

std::vector<std::uint8_t> encode_header(const Header& header) {
  capnp::MallocMessageBuilder message;
  auto to = message.initRoot<schema::Header>();
  to.setFormatVersion(header.version);
  to.setTickSemantics(header.ticks);
  to.setBuild(header.build);
  to.setCreatedNs(header.created_ns);
  to.setPaced(header.paced);
  to.setDigestEvery(header.digest_every);
  to.setNumericMode(header.numeric_mode);

  auto engine = to.initEngine();
  engine.setName(header.engine.name);
  engine.setCountsExactly(header.engine.counts_exactly);
  engine.setStopsExactly(header.engine.stops_exactly);
  engine.setTrapsTsc(header.engine.traps_tsc);
  engine.setTrapsRandom(header.engine.traps_random);
  engine.setNoVisibleTlb(header.engine.no_visible_tlb);
  engine.setTickUnit(static_cast<std::uint8_t>(header.engine.ticks));

  auto cpuid = to.initCpuid(static_cast<unsigned>(header.cpuid.size()));
  for (unsigned i = 0; i < cpuid.size(); ++i) {
    const CpuidRow& row = header.cpuid[i];
    cpuid[i].setLeaf(row.leaf);
    cpuid[i].setSubleaf(row.subleaf);
    cpuid[i].setEax(row.eax);
    cpuid[i].setEbx(row.ebx);
    cpuid[i].setEcx(row.ecx);
    cpuid[i].setEdx(row.edx);
  }

  const BoardDescription& from = header.board;
  auto board = to.initBoard();
  board.setName(from.name);
  board.setMemoryBytes(from.memory_bytes);
  board.setNsPerTick(from.ns_per_tick);
  board.setDigestIgnoredBits(from.digest_ignored_bits);
  board.setRtcStartSeconds(from.rtc_start_seconds);
  board.setSeed(from.seed);
  board.setCommandLine(from.command_line);
  board.setFlatKernel(from.flat_kernel);
  board.setReboots(from.reboots);
  board.setVirtioConsole(from.virtio_console);
  if (from.network_mac) board.setNetworkMac({from.network_mac->data(), from.network_mac->size()});
  auto disks = board.initDisks(static_cast<unsigned>(from.disks.size()));
  for (unsigned i = 0; i < disks.size(); ++i) disks[i].setReadOnly(from.disks[i].read_only);
  auto ports = board.initPorts(static_cast<unsigned>(from.ports.size()));
  for (unsigned i = 0; i < ports.size(); ++i) ports.set(i, from.ports[i]);
  board.setPc(from.pc);

  auto images = to.initImages(static_cast<unsigned>(header.images.size()));
  for (unsigned i = 0; i < images.size(); ++i) {
    const ImageReference& image = header.images[i];
    images[i].setRole(image.role);
    images[i].setPath(image.path);
    images[i].setBytes(image.bytes);
    auto hash = images[i].initHash();
    hash.setHigh(image.hash.high);
    hash.setLow(image.hash.low);
    images[i].setFormat(image.format);
  }

  kj::VectorOutputStream bytes;
  capnp::writePackedMessage(bytes, message);
  const auto array = bytes.getArray();
  return {array.begin(), array.end()};
}

Result<Header> decode_header(Bytes bytes) {
  try {
    kj::ArrayInputStream stream({bytes.data(), bytes.size()});
    capnp::PackedMessageReader message(stream);
    return decode(message.getRoot<schema::Header>());
  } catch (const kj::Exception& exception) {
    return Error{ExitCode::bad_input, fmt::format("is no Cap'n Proto header ({})", exception.getDescription().cStr())};
  }
}

Outcome write_header(const std::string& path, Header& header) {
  std::vector<std::uint8_t> bytes;
  header.identity = append_frame(bytes, encode_header(header), Chain{});
  return write_file_whole(path, bytes, "The header of the trace");
}

Result<Header> read_header(const std::string& path) {
  auto bytes = read_file_whole(path, header_max_bytes, "The header of the trace");
  if (!bytes.ok()) return bytes.error();
  const auto bad = [&](std::string_view what) {
    return Error{ExitCode::bad_input, fmt::format("The header of the trace, '{}', {}.", path, what)};
  };
  const Frame frame = read_frame(bytes.value(), Chain{});
  if (frame.fault == FrameFault::cut || frame.fault == FrameFault::end) {
    return bad("is cut off: the recording never began, or the copy is incomplete; copy it again");
  }
  if (frame.fault == FrameFault::damaged || frame.bytes != bytes.value().size()) {
    return bad("is damaged: its checksum does not fit its contents; copy the trace again");
  }
  auto decoded = decode_header(frame.payload);
  if (!decoded.ok()) return bad(decoded.error().text);
  Header header = std::move(decoded).value();
  header.identity = frame.after;
  if (header.version != format_version) {
    return bad(
        fmt::format("has format {}, but this program reads format {} only; use the version of Lockstitch that "
                    "recorded it ({})",
                    header.version, format_version, header.build));
  }
  if (header.ticks != tick_semantics) {
    return bad(
        fmt::format("counts ticks by rule {}, but this program by rule {}; use the version of Lockstitch that "
                    "recorded it ({})",
                    header.ticks, tick_semantics, header.build));
  }
  return header;
}

}  // namespace lockstitch::sync
