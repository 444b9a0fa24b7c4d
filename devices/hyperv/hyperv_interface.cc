// See hyperv_interface.h.
#include "devices/hyperv/hyperv_interface.h"

#include <algorithm>

#include "devices/hyperv/overlay_page.h"

namespace lockstitch {
namespace {
using namespace hyperv;

enum Msr : std::uint32_t {
  guest_os_id = 0x4000'0000,
  hypercall,
  vp_index,
  vp_runtime = 0x4000'0010,
  time_ref_count = 0x4000'0020,
  reference_tsc,
  tsc_frequency,
  apic_frequency,
  vp_assist_page = 0x4000'0073,
  stimer0_config = 0x4000'00b0,
  crash_p0 = 0x4000'0100,
  crash_control = 0x4000'0105,
};

constexpr std::uint64_t clock_hz = 1'000'000'000;  // of the TSC and of the APIC's timer
constexpr std::uint64_t ns_per_unit = 100;
constexpr std::uint64_t hypercall_locked = 2;
constexpr std::uint64_t crash_notify = std::uint64_t{1} << 63;

/// mov eax, 2 (invalid hypercall code); xor edx, edx; ret. The same bytes in every mode.
constexpr std::array<std::uint8_t, 8> hypercall_code = {0xb8, 0x02, 0x00, 0x00, 0x00, 0x31, 0xd2, 0xc3};

/// 2^64 / 100, rounded up: then (tsc * scale) >> 64 is tsc / 100 exactly for the first 2^64 / 84 ns (about 7 years).
constexpr std::uint64_t tsc_scale = ~std::uint64_t{0} / 100 + 1;
static_assert(tsc_scale == 184'467'440'737'095'517);

constexpr std::uint32_t timer_expired_message = 0x8000'0010;
/// One CPU, whose APIC ID is 0.
constexpr std::uint64_t interrupt_address = 0xfee0'0000;

bool is_timer(std::uint32_t index) {
  return index >= stimer0_config && index < stimer0_config + 2 * HypervInterface::timer_count;
}
bool is_crash_parameter(std::uint32_t index) { return index >= crash_p0 && index < crash_control; }
}  // namespace

HypervInterface::HypervInterface(std::string name, GuestMemory& memory, ClockPort& clock, MsiPort& interrupts,
                                 EffectPort& crash)
    : name_(std::move(name)),
      memory_(memory),
      clock_(clock),
      interrupts_(interrupts),
      crash_(crash),
      synic_(memory, interrupts) {
  synic_.reset();
}

void HypervInterface::reset() {
  guest_os_ = hypercall_ = reference_tsc_ = assist_page_ = 0;
  tsc_sequence_ = 0;
  tsc_offset_ = 0;
  crash_parameters_.fill(0);
  synic_.reset();
  timers_.fill({});
  if (next_expiry_ != nullptr) next_expiry_->cancel();
}

void HypervInterface::visit(StateVisitor& v) {
  v.field("guest_os", guest_os_);
  v.field("hypercall", hypercall_);
  v.field("reference_tsc", reference_tsc_);
  v.field("tsc_sequence", tsc_sequence_);
  v.field("tsc_offset", tsc_offset_);
  v.field("assist_page", assist_page_);
  v.field("crash_parameters", crash_parameters_);
  v.field("crashes", crashes_);
  {
    Section section(v, "synic");
    synic_.visit(v);
  }
  for (unsigned i = 0; i < timer_count; ++i) {
    Section section(v, "timer" + std::to_string(i));
    timers_[i].visit(v);
  }
}

// Registers.

bool HypervInterface::read_msr(std::uint32_t index, std::uint64_t& value) {
  switch (index) {
    case guest_os_id:
      value = guest_os_;
      return true;
    case hypercall:
      value = hypercall_;
      return true;
    case vp_index:
      value = 0;
      return true;
    case vp_runtime:
    case time_ref_count:
      value = reference_time();
      return true;
    case reference_tsc:
      value = reference_tsc_;
      return true;
    case tsc_frequency:
    case apic_frequency:
      value = clock_hz;
      return true;
    case vp_assist_page:
      value = assist_page_;
      return true;
    case crash_control:
      value = crash_notify;  // what is offered
      return true;
    default:
      break;
  }
  if (Synic::has_msr(index)) return synic_.read_msr(index, value);
  if (is_timer(index)) {
    const SyntheticTimer& timer = timers_[(index - stimer0_config) / 2];
    value = index & 1 ? timer.count() : timer.config();
    return true;
  }
  if (!is_crash_parameter(index)) return false;
  value = crash_parameters_[index - crash_p0];
  return true;
}

bool HypervInterface::write_msr(std::uint32_t index, std::uint64_t value) {
  switch (index) {
    case guest_os_id:
      return write_guest_os(value);
    case hypercall:
      return write_hypercall(value);
    case reference_tsc:
      return write_reference_tsc(value);
    case vp_assist_page:
      return write_assist_page(value);
    case crash_control:
      if (value & crash_notify) report_crash(value);
      return true;
    default:
      break;
  }
  if (Synic::has_msr(index)) {
    if (!synic_.write_msr(index, value)) return false;
    deliver_waiting();
    return true;
  }
  if (is_timer(index)) {
    write_timer((index - stimer0_config) / 2, index & 1, value);
    return true;
  }
  if (!is_crash_parameter(index)) return false;
  crash_parameters_[index - crash_p0] = value;
  return true;
}

bool HypervInterface::write_guest_os(std::uint64_t value) {
  guest_os_ = value;
  if (value == 0) hypercall_ &= ~page_enable;
  return true;
}

bool HypervInterface::write_hypercall(std::uint64_t value) {
  if (hypercall_ & hypercall_locked) return true;
  if (guest_os_ == 0) value &= ~page_enable;
  if (page_enabled(value) && !write_page(memory_, value, 0, hypercall_code)) return false;
  hypercall_ = value;
  return true;
}

bool HypervInterface::write_assist_page(std::uint64_t value) {
  const bool appears = page_enabled(value) && value != assist_page_;
  if (appears && !clear_page(memory_, value)) return false;
  assist_page_ = value;
  return true;
}

// The reference TSC page.

bool HypervInterface::write_reference_tsc(std::uint64_t value) {
  const std::uint64_t old = reference_tsc_;
  reference_tsc_ = value;
  if (!page_enabled(value) || publish_reference_tsc()) return true;
  reference_tsc_ = old;
  return false;
}

void HypervInterface::set_tsc_offset(std::uint64_t offset) {
  if (offset == tsc_offset_) return;
  tsc_offset_ = offset;
  if (page_enabled(reference_tsc_)) publish_reference_tsc();
}

/// What the page gives is the reference counter; if the TSC was written with a distance that is not a multiple of 100
/// ns it is for part of each unit one ahead, never behind.
bool HypervInterface::publish_reference_tsc() {
  // 0 means "use the counter", all ones means the same in old versions.
  if (++tsc_sequence_ == 0 || tsc_sequence_ == ~std::uint32_t{0}) tsc_sequence_ = 1;
  const std::uint64_t now = clock_.now().value, tsc = now + tsc_offset_;
  // The distance as it is, not modulo 2^64, in whole units, rounded down.
  const bool ahead = tsc >= now;
  const std::uint64_t distance = ahead ? tsc - now : now - tsc;
  const std::uint64_t units = ahead ? distance / ns_per_unit : distance / ns_per_unit + (distance % ns_per_unit != 0);
  std::array<std::uint8_t, 24> page{};
  put_u32(page, 0, tsc_sequence_);
  put_u64(page, 8, tsc_scale);
  put_u64(page, 16, ahead ? 0 - units : units);
  return write_page(memory_, reference_tsc_, 0, page);
}

// Timers.

void HypervInterface::write_timer(unsigned n, bool count, std::uint64_t value) {
  if (count) {
    timers_[n].set_count(value, reference_time());
  } else {
    timers_[n].set_config(value, reference_time());
  }
  plan();
}

bool HypervInterface::post_expiry(unsigned n, std::uint64_t expired_at) {
  std::array<std::uint8_t, 24> payload{};
  put_u32(payload, 0, n);
  put_u64(payload, 8, expired_at);
  put_u64(payload, 16, reference_time());
  return synic_.post(timers_[n].source(), timer_expired_message, payload);
}

void HypervInterface::deliver_waiting() {
  for (unsigned i = 0; i < timer_count; ++i)
    if (timers_[i].waits() && post_expiry(i, timers_[i].waiting_since())) timers_[i].stop_waiting();
}

void HypervInterface::alarm() {
  const std::uint64_t now = reference_time();
  for (unsigned i = 0; i < timer_count; ++i) {
    SyntheticTimer& timer = timers_[i];
    std::uint64_t expired_at = 0;
    if (!timer.expire(now, expired_at)) continue;
    if (timer.direct()) {
      interrupts_.message(interrupt_address, timer.vector());
    } else if (timer.waits() || !post_expiry(i, expired_at)) {
      timer.wait(expired_at);
    }
  }
  plan();
}

void HypervInterface::plan() {
  std::uint64_t due = SyntheticTimer::never;
  for (const SyntheticTimer& timer : timers_) due = std::min(due, timer.due());
  if (due >= ns_never.value / ns_per_unit) {
    next_expiry_->cancel();  // in some hundred years
  } else {
    next_expiry_->set(VirtualNs{due * ns_per_unit});
  }
}

void HypervInterface::report_crash(std::uint64_t control) {
  std::array<std::uint8_t, 48> report{};
  for (unsigned i = 0; i < crash_parameters_.size(); ++i) put_u64(report, 8 * i, crash_parameters_[i]);
  put_u64(report, 40, control);
  ++crashes_;
  crash_.emit(report);
}

}  // namespace lockstitch
