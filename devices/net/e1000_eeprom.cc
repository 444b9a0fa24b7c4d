// See e1000_eeprom.h.
#include "devices/net/e1000_eeprom.h"

namespace lockstitch {
namespace {
constexpr std::uint32_t eecd_sk = 1, eecd_cs = 2, eecd_di = 4, eecd_do = 8, eecd_fwe = 0x30, eecd_req = 0x40,
                        eecd_gnt = 0x80, eecd_present = 0x100;
constexpr std::uint32_t eecd_writable = eecd_sk | eecd_cs | eecd_di | eecd_fwe | eecd_req;
constexpr std::uint32_t eerd_start = 1, eerd_done = 0x10;
constexpr unsigned command_bits = 9, command_read = 6;  // start bit 1, opcode 10b, six bits of address
constexpr unsigned all_bits = E1000Eeprom::words * 16;
}  // namespace

E1000Eeprom::E1000Eeprom(const std::array<std::uint8_t, 6>& mac) {
  contents_.fill(0xffff);
  for (unsigned i = 0; i < 3; ++i) contents_[i] = static_cast<std::uint16_t>(mac[2 * i] | mac[2 * i + 1] << 8);
  contents_[0x03] = 0x0000;  // compatibility: a card, not on the mainboard
  contents_[0x05] = 0x0100;  // version
  contents_[0x08] = 0x4c53;  // board number
  contents_[0x09] = 0x0001;
  contents_[0x0a] = 0x4403;  // signature 01b: valid; load both pairs of ids
  contents_[0x0b] = 0x1100;  // subsystem
  contents_[0x0c] = 0x1af4;
  contents_[0x0d] = 0x100e;  // device
  contents_[0x0e] = 0x8086;
  contents_[0x0f] = 0x3040;                    // advertise pause in both directions
  contents_[0x10] = contents_[0x24] = 0x0000;  // no wake up by default
  std::uint16_t sum = 0;
  for (unsigned i = 0; i < words - 1; ++i) sum = static_cast<std::uint16_t>(sum + contents_[i]);
  contents_[words - 1] = static_cast<std::uint16_t>(0xbaba - sum);
}

void E1000Eeprom::reset() {
  control_ = eerd_ = command_ = 0;
  bits_in_ = 0;
  bits_out_ = 0;
}

void E1000Eeprom::visit(StateVisitor& v) {
  v.field("control", control_);
  v.field("eerd", eerd_);
  v.field("command", command_);
  v.field("bits_in", bits_in_);
  v.field("bits_out", bits_out_);
  if (v.loading() && ((control_ & ~eecd_writable) || bits_in_ > command_bits || bits_out_ > all_bits))
    v.fail("e1000: an impossible state of the EEPROM");
}

std::uint32_t E1000Eeprom::read_eecd() const {
  return control_ | eecd_present | (control_ & eecd_req ? eecd_gnt : 0) | (data_out() ? eecd_do : 0);
}

void E1000Eeprom::write_eecd(std::uint32_t value) {
  const std::uint32_t before = control_;
  control_ = value & eecd_writable;
  if (!(control_ & eecd_cs)) {
    command_ = 0;
    bits_in_ = 0;
    bits_out_ = 0;
  } else if ((before & eecd_cs) && !(before & eecd_sk) && (control_ & eecd_sk)) {
    clock(control_ & eecd_di);
  }
}

void E1000Eeprom::clock(bool data_in) {
  if (bits_in_ == command_bits) {
    // A read goes on into the words that follow, and around.
    bits_out_ = static_cast<std::uint16_t>(bits_out_ % all_bits + 1);
    return;
  }
  if (bits_in_ == 0 && !data_in) return;
  command_ = (command_ << 1 | (data_in ? 1u : 0u)) & 0x1ff;
  ++bits_in_;
}

bool E1000Eeprom::data_out() const {
  // Idle, or done with a command that does nothing here: ready.
  if (bits_in_ < command_bits || command_ >> 6 != command_read) return true;
  if (bits_out_ == 0) return false;  // the dummy bit before the first word
  const unsigned bit = ((command_ & (words - 1)) * 16 + bits_out_ - 1) % all_bits;
  return contents_[bit / 16] >> (15 - bit % 16) & 1;
}

void E1000Eeprom::write_eerd(std::uint32_t value) {
  eerd_ = value & 0xff00;
  if (!(value & eerd_start)) return;
  const unsigned word = value >> 8 & 0xff;
  eerd_ |= eerd_done | std::uint32_t{word < words ? contents_[word] : std::uint16_t{0}} << 16;
}

}  // namespace lockstitch
