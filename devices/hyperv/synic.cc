// See synic.h. Source: TLFS 11 (virtual interrupts: SynIC).
#include "devices/hyperv/synic.h"

#include <algorithm>

#include "devices/hyperv/overlay_page.h"
#include "lockstitch/assert.h"

namespace lockstitch::hyperv {
namespace {
enum Msr : std::uint32_t {
  scontrol = 0x4000'0080,
  sversion,
  siefp,
  simp,
  eom,
  sint0 = 0x4000'0090,
};
constexpr std::uint64_t version = 1;
constexpr std::uint64_t control_enable = 1;
constexpr std::uint64_t source_masked = 1 << 16, source_auto_eoi = 1 << 17, source_polling = 1 << 18;
constexpr std::uint8_t first_legal_vector = 16;

constexpr std::size_t slot_bytes = 256, header_bytes = 16;
constexpr std::size_t flags_offset = 5;
constexpr std::uint8_t message_pending = 1;

/// One CPU, whose APIC ID is 0.
constexpr std::uint64_t interrupt_address = 0xfee0'0000;

bool interrupts(std::uint64_t source) { return !(source & (source_masked | source_polling)); }
}  // namespace

void Synic::reset() {
  control_ = event_page_ = message_page_ = 0;
  sources_.fill(source_masked);
}

void Synic::visit(StateVisitor& v) {
  v.field("control", control_);
  v.field("event_page", event_page_);
  v.field("message_page", message_page_);
  v.field("sources", sources_);
}

bool Synic::has_msr(std::uint32_t index) {
  return (index >= scontrol && index <= eom) || (index >= sint0 && index < sint0 + source_count);
}

bool Synic::read_msr(std::uint32_t index, std::uint64_t& value) const {
  switch (index) {
    case scontrol:
      value = control_;
      return true;
    case sversion:
      value = version;
      return true;
    case siefp:
      value = event_page_;
      return true;
    case simp:
      value = message_page_;
      return true;
    case eom:
      value = 0;
      return true;
    default:
      value = sources_[(index - sint0) % source_count];
      return true;
  }
}

bool Synic::write_page_register(std::uint64_t& page_register, std::uint64_t value) {
  // A page that is switched on, or moved, starts empty.
  const bool appears =
      page_enabled(value) && (!page_enabled(page_register) || page_address(page_register) != page_address(value));
  if (appears && !clear_page(memory_, value)) return false;
  page_register = value;
  return true;
}

bool Synic::write_msr(std::uint32_t index, std::uint64_t value) {
  switch (index) {
    case scontrol:
      control_ = value;
      return true;
    case sversion:
      return false;
    case siefp:
      return write_page_register(event_page_, value);
    case simp:
      return write_page_register(message_page_, value);
    case eom:
      return true;
    default:
      break;
  }
  if (static_cast<std::uint8_t>(value) < first_legal_vector && !(value & source_masked)) return false;
  sources_[(index - sint0) % source_count] = value;
  return true;
}

bool Synic::post(unsigned source, std::uint32_t type, Bytes payload) {
  LS_ASSERT(payload.size() <= slot_bytes - header_bytes);
  if (!(control_ & control_enable) || !page_enabled(message_page_)) return false;
  const std::uint64_t slot = slot_bytes * (source % source_count);
  std::array<std::uint8_t, header_bytes> old{};
  if (!read_page(memory_, message_page_, slot, old)) return false;
  if ((old[0] | old[1] | old[2] | old[3]) != 0) {
    const std::array<std::uint8_t, 1> flags{static_cast<std::uint8_t>(old[flags_offset] | message_pending)};
    write_page(memory_, message_page_, slot + flags_offset, flags);
    return false;
  }
  std::array<std::uint8_t, slot_bytes> message{};
  put_u32(message, 0, type);
  message[4] = static_cast<std::uint8_t>(payload.size());
  std::copy(payload.begin(), payload.end(), message.begin() + header_bytes);
  if (!write_page(memory_, message_page_, slot, Bytes(message).first(header_bytes + payload.size()))) return false;
  const std::uint64_t target = sources_[source % source_count];
  if (interrupts(target)) interrupts_.message(interrupt_address, static_cast<std::uint8_t>(target));
  return true;
}

bool Synic::is_auto_eoi(std::uint8_t vector) const {
  return std::any_of(sources_.begin(), sources_.end(), [vector](std::uint64_t source) {
    return interrupts(source) && (source & source_auto_eoi) && static_cast<std::uint8_t>(source) == vector;
  });
}

}  // namespace lockstitch::hyperv
