// See uart_16550.h.
#include "devices/serial/uart_16550.h"

#include <algorithm>

namespace lockstitch {
namespace {
enum Offset : std::uint64_t {
  data,
  interrupt_enable,
  identify,
  line_control,
  modem_control,
  line_status,
  modem_status
};

constexpr std::uint8_t ier_received = 1, ier_transmitted = 2, ier_line_status = 4, ier_modem = 8;
constexpr std::uint8_t iir_none = 0x1, iir_modem = 0x0, iir_transmitted = 0x2, iir_received = 0x4,
                       iir_line_status = 0x6, iir_timeout = 0xc, iir_fifos = 0xc0;
constexpr std::uint8_t fcr_enable = 1, fcr_clear_receiver = 2, fcr_kept = 0xc9;
constexpr std::uint8_t lcr_divisor = 0x80;
constexpr std::uint8_t mcr_out2 = 8, mcr_loop = 0x10;
constexpr std::uint8_t lsr_ready = 1, lsr_overrun = 2, lsr_transmitter_empty = 0x60;
constexpr std::uint8_t msr_ring = 0x40, msr_connected = 0xb0;  // CTS, DSR, DCD
constexpr std::array<std::uint8_t, 4> trigger_levels = {1, 4, 8, 14};
}  // namespace

Uart16550::Uart16550(std::string name, IrqLine& irq, EffectPort& line, ClockPort& clock)
    : name_(std::move(name)), irq_(irq), line_(line), clock_(clock) {}

void Uart16550::reset() {
  interrupt_enable_ = fifo_control_ = line_control_ = modem_control_ = scratch_ = 0;
  divisor_ = 12;
  modem_changes_ = 0;
  overrun_ = transmit_interrupt_ = false;
  fifo_.fill(0);
  fifo_first_ = fifo_count_ = 0;
  waiting_.clear();
  waiting_first_ = 0;
  dropped_ = 0;
  transmitted_->cancel();
  update();
}

void Uart16550::visit(StateVisitor& v) {
  v.field("interrupt_enable", interrupt_enable_);
  v.field("fifo_control", fifo_control_);
  v.field("line_control", line_control_);
  v.field("modem_control", modem_control_);
  v.field("scratch", scratch_);
  v.field("divisor", divisor_);
  v.field("modem_changes", modem_changes_);
  v.field("overrun", overrun_);
  v.field("transmit_interrupt", transmit_interrupt_);
  v.field("fifo", fifo_);
  v.field("fifo_first", fifo_first_);
  v.field("fifo_count", fifo_count_);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(waiting_first_));
  waiting_first_ = 0;
  v.blob("waiting", waiting_, input_limit_bytes);
  v.field("dropped", dropped_);
  if (v.loading() && (fifo_first_ >= fifo_bytes || fifo_count_ > fifo_bytes)) v.fail("16550: impossible FIFO");
}

bool Uart16550::divisor_access() const { return line_control_ & lcr_divisor; }
bool Uart16550::fifo_enabled() const { return fifo_control_ & fcr_enable; }
bool Uart16550::looped() const { return modem_control_ & mcr_loop; }

// Receiver.

void Uart16550::put(std::uint8_t value) {
  fifo_[(fifo_first_ + fifo_count_) % fifo_bytes] = value;
  ++fifo_count_;
}

std::uint8_t Uart16550::take() {
  if (fifo_count_ == 0) return 0;
  const std::uint8_t value = fifo_[fifo_first_];
  fifo_first_ = (fifo_first_ + 1) % fifo_bytes;
  --fifo_count_;
  return value;
}

void Uart16550::refill() {
  if (looped()) return;  // the line is cut off
  const unsigned room = fifo_enabled() ? fifo_bytes : 1;
  while (fifo_count_ < room && waiting_first_ < waiting_.size()) put(waiting_[waiting_first_++]);
  if (waiting_first_ == waiting_.size()) {
    waiting_.clear();
    waiting_first_ = 0;
  }
}

void Uart16550::arrive(Bytes payload) {
  if (waiting_first_ >= input_limit_bytes) {  // make room at the front, so that the store stays bounded
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(waiting_first_));
    waiting_first_ = 0;
  }
  const std::size_t room = input_limit_bytes - (waiting_.size() - waiting_first_);
  const std::size_t kept = std::min(room, payload.size());
  waiting_.insert(waiting_.end(), payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(kept));
  dropped_ += payload.size() - kept;
  refill();
  update();
}

// Transmitter.

void Uart16550::transmit(std::uint8_t value) {
  if (looped()) {
    if (fifo_count_ < (fifo_enabled() ? fifo_bytes : 1u)) {
      put(value);
    } else {
      overrun_ = true;
    }
  } else {
    line_.emit(Bytes(&value, 1));
  }
  transmit_interrupt_ = false;
  transmitted_->set(clock_.now() + transmit_ns);
}

void Uart16550::alarm() {
  transmit_interrupt_ = true;
  update();
}

// Control.

void Uart16550::write_fifo_control(std::uint8_t value) {
  const bool toggles = (value ^ fifo_control_) & fcr_enable;
  if (toggles || ((value & fcr_enable) && (value & fcr_clear_receiver))) fifo_first_ = fifo_count_ = 0;
  fifo_control_ = value & fcr_enable ? value & fcr_kept : 0;
  refill();
}

std::uint8_t Uart16550::modem_lines() const {
  if (!looped()) return msr_connected;
  const unsigned m = modem_control_;  // RTS → CTS, DTR → DSR, OUT1 → RI, OUT2 → DCD
  return static_cast<std::uint8_t>((m & 2) << 3 | (m & 1) << 5 | (m & 4) << 4 | (m & 8) << 4);
}

void Uart16550::write_modem_control(std::uint8_t value) {
  const std::uint8_t before = modem_lines();
  modem_control_ = value & 0x1f;
  const std::uint8_t after = modem_lines();
  std::uint8_t changed = (before ^ after) & static_cast<std::uint8_t>(~msr_ring);
  changed |= before & ~after & msr_ring;  // ring: only its end counts
  modem_changes_ |= changed >> 4;
  refill();
}

std::uint8_t Uart16550::cause() const {
  if ((interrupt_enable_ & ier_line_status) && overrun_) return iir_line_status;
  if ((interrupt_enable_ & ier_received) && fifo_count_ != 0) {
    const bool full_enough = !fifo_enabled() || fifo_count_ >= trigger_levels[fifo_control_ >> 6];
    return full_enough ? iir_received : iir_timeout;
  }
  if ((interrupt_enable_ & ier_transmitted) && transmit_interrupt_) return iir_transmitted;
  if ((interrupt_enable_ & ier_modem) && modem_changes_ != 0) return iir_modem;
  return iir_none;
}

/// OUT2 connects the interrupt to the bus; in loopback the pin is inactive.
void Uart16550::update() { irq_.set(cause() != iir_none && (modem_control_ & mcr_out2) && !looped()); }

std::uint8_t Uart16550::read_byte(std::uint64_t offset) {
  std::uint8_t value = 0;
  switch (offset) {
    case data:
      if (divisor_access()) return static_cast<std::uint8_t>(divisor_);
      value = take();
      refill();
      break;
    case interrupt_enable:
      return divisor_access() ? static_cast<std::uint8_t>(divisor_ >> 8) : interrupt_enable_;
    case identify:
      value = cause();
      if (value == iir_transmitted) transmit_interrupt_ = false;
      if (fifo_enabled()) value |= iir_fifos;
      break;
    case line_control:
      return line_control_;
    case modem_control:
      return modem_control_;
    case line_status:
      value = static_cast<std::uint8_t>(lsr_transmitter_empty | (fifo_count_ != 0 ? lsr_ready : 0) |
                                        (overrun_ ? lsr_overrun : 0));
      overrun_ = false;
      break;
    case modem_status:
      value = modem_lines() | modem_changes_;
      modem_changes_ = 0;
      break;
    default:
      return scratch_;
  }
  update();
  return value;
}

void Uart16550::write_byte(std::uint64_t offset, std::uint8_t value) {
  switch (offset) {
    case data:
      if (divisor_access()) {
        divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff00) | value);
      } else {
        transmit(value);
      }
      break;
    case interrupt_enable:
      if (divisor_access()) {
        divisor_ = static_cast<std::uint16_t>((divisor_ & 0xff) | value << 8);
        break;
      }
      // The transmitter is empty: asking for its interrupt gives one at once.
      if ((value & ier_transmitted) && !(interrupt_enable_ & ier_transmitted)) transmit_interrupt_ = true;
      interrupt_enable_ = value & 15;
      break;
    case identify:
      write_fifo_control(value);
      break;
    case line_control:
      line_control_ = value;
      break;
    case modem_control:
      write_modem_control(value);
      break;
    case line_status:
    case modem_status:
      return;
    default:
      scratch_ = value;
      return;
  }
  update();
}

}  // namespace lockstitch
