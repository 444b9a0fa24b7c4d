// See resource_reader.h.
#include "tests/unit/acpi/resource_reader.h"

#include "vmm/boot/little_endian.h"

namespace lockstitch::acpi_check {

namespace {

using boot::get;

/// Item types: small ones in bits 6:3, large ones in bits 6:0.
enum class Small : unsigned {
  irq = 4,
  dma = 5,
  start_dependent = 6,
  end_dependent = 7,
  io = 8,
  fixed_io = 9,
  fixed_dma = 10,
  vendor = 14,
  end = 15
};
enum class Large : unsigned {
  memory_24 = 1,
  generic_register = 2,
  vendor = 4,
  memory_32 = 5,
  fixed_memory_32 = 6,
  dword = 7,
  word = 8,
  interrupt = 9,
  qword = 10,
  extended = 11
};

std::vector<unsigned> set_bits(unsigned mask) {
  std::vector<unsigned> bits;
  for (unsigned i = 0; i < 16; ++i)
    if (mask >> i & 1) bits.push_back(i);
  return bits;
}

AcpiResource io(std::uint64_t first, std::uint64_t last_base, std::uint64_t length) {
  AcpiResource r;
  r.kind = AcpiResource::Kind::io;
  r.first = first;
  r.last_base = last_base;
  r.length = length;
  r.last = last_base + (length ? length - 1 : 0);
  return r;
}

AcpiResource window(Bytes body, unsigned width) {
  AcpiResource r;
  r.kind = AcpiResource::Kind::window;
  r.space = body[0] <= 2 ? static_cast<AcpiResource::Space>(body[0]) : AcpiResource::Space::other;
  r.producer = !(body[1] & 1);
  r.fixed_first = body[1] & 4;
  r.fixed_last = body[1] & 8;
  const auto field = [&](unsigned index) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{body[3 + width * index + i]} << (8 * i);
    return value;
  };
  r.first = field(1);
  r.last = field(2);
  r.translation = field(3);
  r.length = field(4);
  return r;
}

/// Null text: it is well-formed.
std::string small_item(Small type, Bytes body, ResourceTemplate& to) {
  const auto is = [&](std::size_t least, std::size_t most) { return body.size() >= least && body.size() <= most; };
  AcpiResource r;
  switch (type) {
    case Small::irq:
      if (!is(2, 3)) return "has an interrupt descriptor of a wrong length";
      r.kind = AcpiResource::Kind::interrupt;
      r.lines = set_bits(get<std::uint16_t>(body, 0));
      if (body.size() == 3) {
        r.level = !(body[2] & 1);
        r.active_low = body[2] & 8;
        r.shared = body[2] & 16;
      }
      break;
    case Small::dma:
      if (!is(2, 2)) return "has a DMA descriptor of a wrong length";
      r.kind = AcpiResource::Kind::dma;
      r.lines = set_bits(body[0]);
      if ((body[1] & 3) == 3) return "has a DMA descriptor with a reserved transfer size";
      break;
    case Small::io:
      if (!is(7, 7)) return "has a port descriptor of a wrong length";
      r = io(get<std::uint16_t>(body, 1), get<std::uint16_t>(body, 3), body[6]);
      if (r.last_base < r.first) return "has a port descriptor whose greatest base is below its least";
      if (body[5] != 0 && r.first % body[5] != 0) return "has a port descriptor whose base is not aligned as it says";
      if (body[6] == 0) return "has a port descriptor without ports";
      break;
    case Small::fixed_io:
      if (!is(3, 3)) return "has a fixed port descriptor of a wrong length";
      r = io(get<std::uint16_t>(body, 0), get<std::uint16_t>(body, 0), body[2]);
      break;
    case Small::start_dependent:
      if (!is(0, 1)) return "has a dependent function of a wrong length";
      return {};
    case Small::end_dependent:
      if (!is(0, 0)) return "has an end of dependent functions of a wrong length";
      return {};
    case Small::fixed_dma:
    case Small::vendor:
      break;
    default:
      return "has a descriptor of an unknown kind";
  }
  to.resources.push_back(std::move(r));
  return {};
}

std::string large_item(Large type, Bytes body, ResourceTemplate& to) {
  AcpiResource r;
  switch (type) {
    case Large::word:
    case Large::dword:
    case Large::qword: {
      const unsigned width = type == Large::word ? 2 : type == Large::dword ? 4 : 8;
      if (body.size() < 3 + 5 * width) return "has an address space descriptor of a wrong length";
      r = window(body, width);
      break;
    }
    case Large::memory_32:
      if (body.size() != 17) return "has a memory descriptor of a wrong length";
      r.kind = AcpiResource::Kind::memory;
      r.first = get<std::uint32_t>(body, 1);
      r.length = get<std::uint32_t>(body, 13);
      r.last = get<std::uint32_t>(body, 5) + r.length - 1;
      break;
    case Large::fixed_memory_32:
      if (body.size() != 9) return "has a fixed memory descriptor of a wrong length";
      r.kind = AcpiResource::Kind::memory;
      r.first = get<std::uint32_t>(body, 1);
      r.length = get<std::uint32_t>(body, 5);
      r.last = r.first + r.length - 1;
      if (r.length == 0) return "has a fixed memory descriptor without memory";
      break;
    case Large::interrupt: {
      if (body.size() < 2 || body.size() < 2 + 4u * body[1]) return "has an interrupt descriptor of a wrong length";
      if (body[1] == 0) return "has an interrupt descriptor without interrupts";
      r.kind = AcpiResource::Kind::interrupt;
      r.extended = true;
      r.producer = !(body[0] & 1);
      r.level = !(body[0] & 2);
      r.active_low = body[0] & 4;
      r.shared = body[0] & 8;
      for (unsigned i = 0; i < body[1]; ++i) r.lines.push_back(get<std::uint32_t>(body, 2 + 4 * i));
      break;
    }
    case Large::memory_24:
    case Large::generic_register:
    case Large::vendor:
    case Large::extended:
      break;
    default:
      return "has a descriptor of an unknown kind";
  }
  to.resources.push_back(std::move(r));
  return {};
}

}  // namespace

ResourceTemplate read_resources(Bytes bytes) {
  ResourceTemplate read;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::uint8_t tag = bytes[at];
    const bool large = tag & 0x80;
    if (large && at + 3 > bytes.size()) break;
    const std::size_t start = at + (large ? 3 : 1);
    const std::size_t length = large ? get<std::uint16_t>(bytes, at + 1) : tag & 7u;
    if (length > bytes.size() - start) {
      read.errors.push_back("has a descriptor that is longer than what is left");
      return read;
    }
    const Bytes body = bytes.subspan(start, length);
    at = start + length;
    if (!large && static_cast<Small>(tag >> 3 & 15) == Small::end) {
      if (length != 1) read.errors.push_back("has an end tag of a wrong length");
      // A sum of zero stands for one that nobody computed.
      std::uint8_t sum = 0;
      for (const std::uint8_t byte : bytes.first(at)) sum = static_cast<std::uint8_t>(sum + byte);
      if (length == 1 && body[0] != 0 && sum != 0) read.errors.push_back("has a wrong checksum in its end tag");
      if (at != bytes.size()) read.errors.push_back("goes on behind its end tag");
      return read;
    }
    const std::string error = large ? large_item(static_cast<Large>(tag & 0x7f), body, read)
                                    : small_item(static_cast<Small>(tag >> 3 & 15), body, read);
    if (!error.empty()) read.errors.push_back(error);
  }
  read.errors.push_back("has no end tag");
  return read;
}

}  // namespace lockstitch::acpi_check
