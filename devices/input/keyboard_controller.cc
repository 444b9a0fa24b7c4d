// See keyboard_controller.h.
#include "devices/input/keyboard_controller.h"

#include <algorithm>

namespace lockstitch {
namespace {
enum Command : std::uint8_t {
  read_ram = 0x20,   // .. 3Fh
  write_ram = 0x60,  // .. 7Fh
  test_password = 0xa4,
  mouse_off = 0xa7,
  mouse_on = 0xa8,
  test_mouse = 0xa9,
  self_test = 0xaa,
  test_keyboard = 0xab,
  keyboard_off = 0xad,
  keyboard_on = 0xae,
  read_input_port = 0xc0,
  read_output_port = 0xd0,
  write_output = 0xd1,
  keyboard_loop = 0xd2,
  mouse_loop = 0xd3,
  write_mouse = 0xd4,
  a20_off = 0xdd,
  a20_on = 0xdf,
  read_test_inputs = 0xe0,
  pulse = 0xf0  // .. FFh
};
constexpr std::uint8_t status_full = 0x01, status_busy = 0x02, status_system = 0x04, status_command = 0x08,
                       status_unlocked = 0x10, status_mouse = 0x20;
constexpr std::uint8_t byte_keyboard_irq = 0x01, byte_mouse_irq = 0x02, byte_system = 0x04, byte_keyboard_off = 0x10,
                       byte_mouse_off = 0x20, byte_translate = 0x40;
constexpr std::uint8_t power_on_byte = byte_keyboard_irq | byte_mouse_irq | byte_translate;
constexpr std::uint8_t port_running = 0x01, port_a20 = 0x02, port_keyboard_irq = 0x10, port_mouse_irq = 0x20,
                       port_fixed = 0xcc;
constexpr std::uint8_t self_test_passed = 0x55, no_password = 0xf1, input_port = 0x80;
constexpr std::uint8_t release_prefix = 0xf0;

bool takes_parameter(std::uint8_t command) {
  return (command >= write_ram && command < write_ram + 0x20) || (command >= write_output && command <= write_mouse);
}
}  // namespace

KeyboardController::KeyboardController(std::string name, IrqLine& irq1, IrqLine& irq12, ClockPort& clock,
                                       PowerPort& power)
    : name_(std::move(name)), irq1_(irq1), irq12_(irq12), clock_(clock), power_(power) {
  keyboard_.reset();
  mouse_.reset();
  ram_[0] = power_on_byte;
}

void KeyboardController::reset() {
  keyboard_.reset();
  mouse_.reset();
  ram_.fill(0);
  ram_[0] = power_on_byte;
  a20_ = command_last_ = true;
  expecting_ = output_ = answer_ = 0;
  full_ = from_mouse_ = answer_waits_ = answer_from_mouse_ = false;
  quiet_since_ = busy_until_ = {0};
  pump();
}

void KeyboardController::visit(StateVisitor& v) {
  v.enter("keyboard");
  keyboard_.visit(v);
  v.leave();
  v.enter("mouse");
  mouse_.visit(v);
  v.leave();
  v.field("ram", ram_);
  v.field("a20", a20_);
  v.field("expecting", expecting_);
  v.field("command_last", command_last_);
  v.field("output", output_);
  v.field("full", full_);
  v.field("from_mouse", from_mouse_);
  v.field("answer_waits", answer_waits_);
  v.field("answer_from_mouse", answer_from_mouse_);
  v.field("answer", answer_);
  v.field("quiet_since_ns", quiet_since_);
  v.field("busy_until_ns", busy_until_);
  if (v.loading() && expecting_ != 0 && !takes_parameter(expecting_)) v.fail("keyboard controller: impossible command");
}

// The output buffer.

void KeyboardController::load(std::uint8_t value, bool from_mouse) {
  output_ = value;
  full_ = true;
  from_mouse_ = from_mouse;
}

/// With translation the release prefix of set 2 becomes bit 7 of the byte behind it.
void KeyboardController::load_from_keyboard() {
  Ps2Byte byte = keyboard_.take();
  if (ram_[0] & byte_translate) {
    std::uint8_t break_bit = 0;
    if (byte.scan && byte.value == release_prefix && keyboard_.ready()) {
      byte = keyboard_.take();
      break_bit = 0x80;
    }
    byte.value = static_cast<std::uint8_t>(translated(byte.value) | break_bit);
  }
  load(byte.value, false);
}

void KeyboardController::pump() {
  VirtualNs next = ns_never;
  if (!full_ && answer_waits_) {
    answer_waits_ = false;
    load(answer_, answer_from_mouse_);
  }
  const VirtualNs now = clock_.now();
  const auto due = [&](const auto& device) {
    const VirtualNs when = device.not_before();
    return when == ns_never ? when : std::max(when, quiet_since_ + (device.slow() ? slow_byte_ns : byte_ns));
  };
  if (!full_ && !(ram_[0] & byte_keyboard_off)) {
    keyboard_.feed(now);
    next = due(keyboard_);
    if (next <= now && keyboard_.ready()) load_from_keyboard();
  }
  if (!full_ && !(ram_[0] & byte_mouse_off)) {
    mouse_.feed(now);
    const VirtualNs mouse_next = due(mouse_);
    next = std::min(next, mouse_next);
    if (mouse_next <= now && mouse_.ready()) load(mouse_.take(), true);
  }
  if (full_ || next == ns_never) {
    alarm_->cancel();
  } else {
    alarm_->set(next);
  }
  irq1_.set(full_ && !from_mouse_ && (ram_[0] & byte_keyboard_irq));
  irq12_.set(full_ && from_mouse_ && (ram_[0] & byte_mouse_irq));
}

void KeyboardController::reply(std::uint8_t value, bool from_mouse) {
  answer_ = value;
  answer_from_mouse_ = from_mouse;
  answer_waits_ = true;
}

// Port 60h.

std::uint8_t KeyboardController::read_data(std::uint64_t) {
  const std::uint8_t value = output_;
  if (!full_) return value;
  full_ = from_mouse_ = false;
  irq1_.set(false);
  irq12_.set(false);
  pause();
  pump();
  return value;
}

/// Whoever speaks to a device wants to hear it: the interface is switched on.
void KeyboardController::to_keyboard(std::uint8_t value) {
  ram_[0] &= static_cast<std::uint8_t>(~byte_keyboard_off);
  pause();
  busy_until_ = clock_.now() + byte_ns;
  keyboard_.write(value);
}

void KeyboardController::to_mouse(std::uint8_t value) {
  ram_[0] &= static_cast<std::uint8_t>(~byte_mouse_off);
  pause();
  busy_until_ = clock_.now() + byte_ns;
  mouse_.write(value);
}

void KeyboardController::write_data(std::uint64_t, std::uint8_t value) {
  command_last_ = false;
  const std::uint8_t command = expecting_;
  expecting_ = 0;
  switch (command) {
    case 0:
      to_keyboard(value);
      break;
    case write_output:
      write_output_port(value);
      break;
    case keyboard_loop:
      reply(value);
      break;
    case mouse_loop:
      reply(value, true);
      break;
    case write_mouse:
      to_mouse(value);
      break;
    default:
      ram_[command % ram_.size()] = value;
  }
  pump();
}

// Port 64h.

std::uint8_t KeyboardController::read_status(std::uint64_t) {
  return static_cast<std::uint8_t>(status_unlocked | (full_ ? status_full : 0) | (from_mouse_ ? status_mouse : 0) |
                                   (clock_.now() < busy_until_ ? status_busy : 0) |
                                   (ram_[0] & byte_system ? status_system : 0) | (command_last_ ? status_command : 0));
}

std::uint8_t KeyboardController::output_port() const {
  const bool keyboard_irq = full_ && !from_mouse_, mouse_irq = full_ && from_mouse_;
  return static_cast<std::uint8_t>(port_fixed | port_running | (a20_ ? port_a20 : 0) |
                                   (keyboard_irq ? port_keyboard_irq : 0) | (mouse_irq ? port_mouse_irq : 0));
}

void KeyboardController::write_output_port(std::uint8_t value) {
  a20_ = value & port_a20;
  if (!(value & port_running)) power_.reset();
}

void KeyboardController::write_command(std::uint64_t, std::uint8_t value) {
  command_last_ = true;
  expecting_ = 0;
  if (takes_parameter(value)) {
    expecting_ = value;
  } else if (value >= read_ram && value < read_ram + ram_.size()) {
    reply(ram_[value % ram_.size()]);
  } else if (value >= pulse) {
    if (!(value & port_running)) power_.reset();
  } else {
    switch (value) {
      case test_password:
        reply(no_password);
        break;
      case mouse_off:
        ram_[0] |= byte_mouse_off;
        break;
      case mouse_on:
        ram_[0] &= static_cast<std::uint8_t>(~byte_mouse_off);
        break;
      case self_test:
        ram_[0] |= byte_system;
        reply(self_test_passed);
        break;
      case test_mouse:
      case test_keyboard:
      case read_test_inputs:
        reply(0);
        break;
      case keyboard_off:
        ram_[0] |= byte_keyboard_off;
        break;
      case keyboard_on:
        ram_[0] &= static_cast<std::uint8_t>(~byte_keyboard_off);
        break;
      case read_input_port:
        reply(input_port);
        break;
      case read_output_port:
        reply(output_port());
        break;
      case a20_off:
      case a20_on:
        a20_ = value == a20_on;
        break;
      default:
        break;
    }
  }
  pump();
}

}  // namespace lockstitch
