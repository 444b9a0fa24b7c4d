// See local_apic.h.
#include "devices/irq/local_apic.h"

#include <algorithm>

namespace lockstitch {
namespace {
enum Register : unsigned {
  id_register = 0x02,
  version_register,
  tpr_register = 0x08,
  arbitration_register,
  ppr_register,
  eoi_register,
  ldr_register = 0x0d,
  dfr_register,
  svr_register,
  isr_register,
  tmr_register = 0x18,
  irr_register = 0x20,
  esr_register = 0x28,
  icr_register = 0x30,
  icr_high_register,
  lvt_register,
  initial_count_register = 0x38,
  current_count_register,
  divide_register = 0x3e,
  self_ipi_register,
};
constexpr std::uint32_t version = 0x0005'0014;

constexpr std::uint64_t window_base = 0xfee0'0000;
constexpr std::uint64_t base_bsp = 1 << 8, base_x2apic = 1 << 10, base_enable = 1 << 11;
constexpr std::uint64_t base_address_bits = 0xff'ffff'f000;
constexpr std::uint32_t apic_base_msr = 0x1b, deadline_msr = 0x6e0, first_x2apic_msr = 0x800;

constexpr std::uint32_t svr_enable = 1 << 8;
constexpr std::uint32_t error_send_vector = 1 << 5, error_receive_vector = 1 << 6, error_register = 1 << 7;

enum Delivery : unsigned { fixed, lowest_priority, smi, remote_read, nmi, init, startup, external };
constexpr std::uint32_t lvt_masked = 1 << 16;
constexpr std::uint32_t lvt_remote_irr = 1 << 14, delivery_status = 1 << 12;
/// Writable bits per entry: timer, thermal, performance, LINT0, LINT1, error.
constexpr std::array<std::uint32_t, 6> lvt_bits = {0x7'00ff, 0x1'07ff, 0x1'07ff, 0x1'a7ff, 0x1'a7ff, 0x1'00ff};

constexpr std::uint64_t icr_logical = 1 << 11, icr_assert = 1 << 14, icr_level = 1 << 15;
constexpr std::uint32_t icr_low_bits = 0x000c'cfff;

constexpr unsigned delivery_mode(std::uint64_t bits) { return bits >> 8 & 7; }
}  // namespace

LocalApic::LocalApic(std::string name, std::uint8_t apic_id, CpuSignals& cpu, ClockPort& clock, const TscPort* tsc)
    : name_(std::move(name)), id_(apic_id), cpu_(cpu), timer_(clock, tsc) {
  LocalApic::reset();
}

void LocalApic::reset() {
  apic_base_ = window_base | base_enable | (id_ == 0 ? base_bsp : 0);
  lint0_level_ = false;
  reset_registers();
}

void LocalApic::reset_registers() {
  tpr_ = 0;
  logical_destination_ = 0;
  destination_format_ = 0xffff'ffff;
  spurious_ = 0xff;
  errors_ = new_errors_ = 0;
  command_ = 0;
  lvt_.fill(lvt_masked);
  // The virtual wire of the boot processor, which firmware would set up (MP specification 3.6.2).
  if (id_ == 0) lvt_[lvt_lint0] = external << 8;
  requested_ = in_service_ = level_triggered_ = {};
  timer_.reset();
  update();
}

void LocalApic::visit(StateVisitor& v) {
  v.field("apic_base", apic_base_);
  v.field("tpr", tpr_);
  v.field("logical_destination", logical_destination_);
  v.field("destination_format", destination_format_);
  v.field("spurious", spurious_);
  v.field("errors", errors_);
  v.field("new_errors", new_errors_);
  v.field("command", command_);
  v.field("lvt", lvt_);
  requested_.visit(v, "requested");
  in_service_.visit(v, "in_service");
  level_triggered_.visit(v, "level_triggered");
  v.field("lint0_level", lint0_level_);
  Section section(v, "timer");
  timer_.visit(v);
  if (v.loading() && (apic_base_ & (base_enable | base_x2apic)) == base_x2apic) v.fail("APIC_BASE: impossible mode");
}

bool LocalApic::enabled() const { return apic_base_ & base_enable; }
bool LocalApic::x2apic() const { return apic_base_ & base_x2apic; }
bool LocalApic::software_enabled() const { return enabled() && (spurious_ & svr_enable); }

bool LocalApic::accepts_external() const {
  const std::uint32_t entry = lvt_[lvt_lint0];
  return !enabled() || (!(entry & lvt_masked) && delivery_mode(entry) == external);
}

std::uint8_t LocalApic::processor_priority() const {
  const int serving = std::max(in_service_.highest(), 0);
  return static_cast<std::uint8_t>(tpr_ >> 4 >= serving >> 4 ? tpr_ : serving & 0xf0);
}

void LocalApic::update() {
  request_ =
      (lint0_level_ && accepts_external()) || (enabled() && requested_.highest() >> 4 > processor_priority() >> 4);
}

std::uint8_t LocalApic::acknowledge() {
  if (lint0_level_ && accepts_external() && pic_ != nullptr) return pic_->acknowledge();
  const int wanted = requested_.highest();
  if (!enabled() || wanted >> 4 <= processor_priority() >> 4) return static_cast<std::uint8_t>(spurious_);
  const auto vector = static_cast<std::uint8_t>(wanted);
  requested_.erase(vector);
  in_service_.insert(vector);
  update();
  return vector;
}

void LocalApic::set_task_priority(std::uint8_t cr8) {
  tpr_ = static_cast<std::uint8_t>((cr8 & 15) << 4);
  update();
}

void LocalApic::set_lint0(bool level) {
  const bool rises = level && !lint0_level_;
  lint0_level_ = level;
  if (rises && !accepts_external()) deliver_lvt(lvt_lint0);
  update();
}

void LocalApic::alarm() {
  if (timer_.expire()) deliver_lvt(lvt_timer);
}

void LocalApic::deliver_lvt(unsigned entry) {
  const std::uint32_t value = lvt_[entry];
  if (value & lvt_masked) return;
  deliver(entry == lvt_timer || entry == lvt_error ? unsigned{fixed} : delivery_mode(value),
          static_cast<std::uint8_t>(value), false);
}

void LocalApic::deliver(unsigned mode, std::uint8_t vector, bool level_triggered) {
  switch (mode) {
    case fixed:
    case lowest_priority:
      if (!software_enabled()) return;
      if (vector < 16) return error(error_receive_vector);
      requested_.insert(vector);
      if (level_triggered) {
        level_triggered_.insert(vector);
      } else {
        level_triggered_.erase(vector);
      }
      return update();
    case nmi:
      return cpu_.nmi();
    case init:
      reset_registers();
      return cpu_.init();
    case startup:
      return cpu_.startup(vector);
    default:
      return;
  }
}

void LocalApic::error(std::uint32_t bit) {
  if (new_errors_ & bit) return;  // also ends the chain when the error entry's own vector is illegal
  new_errors_ |= bit;
  deliver_lvt(lvt_error);
}

bool LocalApic::is_addressed(std::uint32_t destination, bool logical, bool extended) const {
  if (destination == (extended ? 0xffff'ffff : 0xff)) return true;
  if (!logical) return destination == id_;
  if (extended || x2apic()) {
    const std::uint32_t own = logical_id();
    return (destination >> 16) == (own >> 16) && (destination & own & 0xffff) != 0;
  }
  const std::uint32_t own = logical_destination_ >> 24;
  if (destination_format_ >> 28 == 15) return (destination & own) != 0;
  return (destination >> 4) == (own >> 4) && (destination & own & 15) != 0;
}

void LocalApic::message(std::uint64_t address, std::uint32_t data) {
  if (!enabled()) return;
  const unsigned mode = delivery_mode(data);
  const auto destination = static_cast<std::uint32_t>(address >> 12 & 0xff);
  if (!is_addressed(destination, address & 4, false) || mode == startup) return;
  deliver(mode, static_cast<std::uint8_t>(data), data & icr_level);
}

void LocalApic::send(std::uint64_t command) {
  const unsigned mode = delivery_mode(command), shorthand = command >> 18 & 3;
  const auto vector = static_cast<std::uint8_t>(command);
  if ((mode == fixed || mode == lowest_priority) && vector < 16) return error(error_send_vector);
  if (mode == init && (command & icr_level) && !(command & icr_assert)) return;  // de-assert: arbitration ids only
  const bool extended = x2apic();
  const auto destination = static_cast<std::uint32_t>(command >> (extended ? 32 : 56));
  const bool to_self = shorthand == 0   ? is_addressed(destination, command & icr_logical, extended)
                       : shorthand == 3 ? false
                                        : true;
  if (to_self) deliver(mode, vector, false);
}

void LocalApic::end_of_interrupt() {
  const int highest = in_service_.highest();
  if (highest < 0) return;
  const auto vector = static_cast<std::uint8_t>(highest);
  in_service_.erase(vector);
  update();
  if (level_triggered_.contains(vector) && eoi_listener_ != nullptr) eoi_listener_->end_of_interrupt(vector);
}

std::uint32_t LocalApic::logical_id() const {
  if (x2apic()) return static_cast<std::uint32_t>(id_ >> 4) << 16 | 1u << (id_ & 15);
  return logical_destination_;
}

// Registers that both faces share.

bool LocalApic::read_register(unsigned index, std::uint32_t& value) const {
  switch (index) {
    case id_register:
      value = x2apic() ? id_ : std::uint32_t{id_} << 24;
      return true;
    case version_register:
      value = version;
      return true;
    case tpr_register:
      value = tpr_;
      return true;
    case ppr_register:
      value = processor_priority();
      return true;
    case ldr_register:
      value = logical_id();
      return true;
    case svr_register:
      value = spurious_;
      return true;
    case esr_register:
      value = errors_;
      return true;
    case icr_register:
      value = static_cast<std::uint32_t>(command_);
      return true;
    case initial_count_register:
      value = timer_.initial_count();
      return true;
    case current_count_register:
      value = timer_.current_count();
      return true;
    case divide_register:
      value = timer_.divide();
      return true;
    default:
      break;
  }
  if (index >= isr_register && index < esr_register) {
    const VectorSet& set = index < tmr_register ? in_service_ : index < irr_register ? level_triggered_ : requested_;
    value = set.part(index & 7);
    return true;
  }
  if (index >= lvt_register && index < lvt_register + lvt_count) {
    value = lvt_[index - lvt_register];
    return true;
  }
  return false;
}

void LocalApic::write_lvt(unsigned entry, std::uint32_t value) {
  lvt_[entry] = value & lvt_bits[entry];
  if (!(spurious_ & svr_enable)) lvt_[entry] |= lvt_masked;
  if (entry == lvt_timer) timer_.set_mode(static_cast<ApicTimer::Mode>(value >> 17 & 3));
  update();
}

void LocalApic::write_spurious(std::uint32_t value) {
  spurious_ = value & 0x1ff;
  if (!(spurious_ & svr_enable))
    for (std::uint32_t& entry : lvt_) entry |= lvt_masked;
  update();
}

bool LocalApic::write_register(unsigned index, std::uint32_t value) {
  switch (index) {
    case tpr_register:
      tpr_ = static_cast<std::uint8_t>(value);
      update();
      return true;
    case eoi_register:
      end_of_interrupt();
      return true;
    case svr_register:
      write_spurious(value);
      return true;
    case esr_register:
      errors_ = new_errors_;
      new_errors_ = 0;
      return true;
    case initial_count_register:
      timer_.set_initial_count(value);
      return true;
    case divide_register:
      timer_.set_divide(value);
      return true;
    default:
      break;
  }
  if (index < lvt_register || index >= lvt_register + lvt_count) return false;
  write_lvt(index - lvt_register, value);
  return true;
}

// xAPIC: memory-mapped.

std::uint64_t LocalApic::read(std::uint64_t offset, unsigned width) {
  if (!enabled() || x2apic()) return ones(width);
  const auto index = static_cast<unsigned>(offset >> 4);
  std::uint32_t value = 0;
  if (index == dfr_register) {
    value = destination_format_;
  } else if (index == icr_high_register) {
    value = static_cast<std::uint32_t>(command_ >> 32);
  } else if (index != eoi_register && index != arbitration_register && !read_register(index, value)) {
    error(error_register);
  }
  const unsigned byte = offset & 15;
  return byte < 4 ? value >> (8 * byte) : 0;
}

void LocalApic::write(std::uint64_t offset, unsigned width, std::uint64_t value) {
  if (!enabled() || x2apic() || width != 4 || (offset & 15) != 0) return;
  const auto index = static_cast<unsigned>(offset >> 4);
  const auto low = static_cast<std::uint32_t>(value);
  std::uint32_t ignored;
  switch (index) {
    case ldr_register:
      logical_destination_ = low & 0xff00'0000;
      return;
    case dfr_register:
      destination_format_ = low | 0x0fff'ffff;
      return;
    case icr_high_register:
      command_ = (command_ & 0xffff'ffff) | std::uint64_t{low & 0xff00'0000} << 32;
      return;
    case icr_register:
      command_ = (command_ & ~std::uint64_t{0xffff'ffff}) | (low & icr_low_bits);
      return send(command_);
    default:
      if (!write_register(index, low) && !read_register(index, ignored)) error(error_register);
  }
}

// x2APIC and the other MSRs.

bool LocalApic::write_apic_base(std::uint64_t value) {
  constexpr std::uint64_t modes = base_enable | base_x2apic;
  if (value & ~(base_address_bits | modes | base_bsp)) return false;
  const std::uint64_t from = apic_base_ & modes, to = value & modes;
  if (to == base_x2apic) return false;
  if (from == modes && to == base_enable) return false;
  if (from == 0 && to == modes) return false;
  apic_base_ = (apic_base_ & ~modes) | to;
  if (to == 0 && from != 0) reset_registers();
  if (to == modes && from != modes) command_ = 0;
  update();
  return true;
}

bool LocalApic::write_x2apic(unsigned index, std::uint64_t value) {
  if (index == icr_register) {
    if ((value & 0xffff'ffff & ~(icr_low_bits | delivery_status)) != 0) return false;
    command_ = value & (0xffff'ffff'0000'0000 | icr_low_bits);
    send(command_);
    return true;
  }
  if (value >> 32 != 0) return false;
  const auto low = static_cast<std::uint32_t>(value);
  std::uint32_t allowed = 0xffff'ffff;
  switch (index) {
    case tpr_register:
    case self_ipi_register:
      allowed = 0xff;
      break;
    case eoi_register:
    case esr_register:
      allowed = 0;
      break;
    case svr_register:
      allowed = 0x1ff;
      break;
    case divide_register:
      allowed = 0xb;
      break;
    default:
      if (index >= lvt_register && index < lvt_register + lvt_count)
        allowed = lvt_bits[index - lvt_register] | delivery_status | lvt_remote_irr;
  }
  if (low & ~allowed) return false;
  if (index == self_ipi_register) {
    send(low | 1 << 18);
    return true;
  }
  return write_register(index, low);
}

bool LocalApic::read_msr(std::uint32_t index, std::uint64_t& value) {
  if (index == apic_base_msr) {
    value = apic_base_;
    return true;
  }
  if (index == deadline_msr) {
    value = timer_.deadline();
    return true;
  }
  const unsigned number = index - first_x2apic_msr;
  if (index < first_x2apic_msr || number > 0x3f || !x2apic()) return false;
  if (number == icr_register) {
    value = command_;
    return true;
  }
  std::uint32_t low = 0;
  if (!read_register(number, low)) return false;
  value = low;
  return true;
}

bool LocalApic::write_msr(std::uint32_t index, std::uint64_t value) {
  if (index == apic_base_msr) return write_apic_base(value);
  if (index == deadline_msr) {
    timer_.set_deadline(value);
    return true;
  }
  const unsigned number = index - first_x2apic_msr;
  if (index < first_x2apic_msr || number > 0x3f || !x2apic()) return false;
  return write_x2apic(number, value);
}

}  // namespace lockstitch
