// See uhci_schedule.h.
#include "devices/usb/uhci_schedule.h"

#include <algorithm>

#include "devices/usb/uhci_registers.h"

namespace lockstitch {
using namespace uhci;

namespace {
/// Lengths are kept less one; nothing is all ones.
constexpr std::uint32_t decode_length(std::uint32_t field) { return (field + 1) & td_length_mask; }
constexpr std::uint32_t encode_length(std::uint32_t bytes) { return (bytes - 1) & td_length_mask; }

/// Queue heads that were met: drivers close the list into a ring, so that what is left of a frame is used.
class Met {
 public:
  /// False: it was there before, or there is no room.
  bool add(std::uint32_t address) {
    if (count_ == met_.size() || contains(address)) return false;
    met_[count_++] = address;
    return true;
  }
  void clear() { count_ = 0; }

 private:
  bool contains(std::uint32_t address) const { return std::find(met_.data(), end(), address) != end(); }
  const std::uint32_t* end() const { return met_.data() + count_; }

  std::array<std::uint32_t, 128> met_;
  std::size_t count_ = 0;
};
}  // namespace

template <std::size_t N>
bool UhciSchedule::read(Gpa gpa, std::array<std::uint32_t, N>& words) {
  std::array<std::uint8_t, 4 * N> raw;
  if (!memory_.read(gpa, raw)) {
    outcome_.system_error = true;
    return false;
  }
  for (std::size_t i = 0; i < N; ++i)
    words[i] = raw[4 * i] | std::uint32_t{raw[4 * i + 1]} << 8 | std::uint32_t{raw[4 * i + 2]} << 16 |
               std::uint32_t{raw[4 * i + 3]} << 24;
  return true;
}

bool UhciSchedule::write(Gpa gpa, std::uint32_t word) {
  const std::array<std::uint8_t, 4> raw = {static_cast<std::uint8_t>(word), static_cast<std::uint8_t>(word >> 8),
                                           static_cast<std::uint8_t>(word >> 16),
                                           static_cast<std::uint8_t>(word >> 24)};
  if (memory_.write(gpa, raw)) return true;
  outcome_.system_error = true;
  return false;
}

UhciSchedule::Outcome UhciSchedule::run(Gpa entry) {
  outcome_ = {};
  bytes_ = 0;
  progress_ = false;
  Met met;
  std::array<std::uint32_t, 1> first{};
  if (!read(entry, first)) return outcome_;
  std::uint32_t link = first[0];
  while (!(link & link_end) && !outcome_.fault() && time_left()) {
    if (!(link & link_queue)) {
      Descriptor td;
      if (!fetch(link, td)) break;
      execute(td, false);
      link = td.link;
      continue;
    }
    const std::uint32_t address = link & link_address;
    if (!met.add(address)) {
      // A round in which nothing ended would be followed by more of the same.
      if (!progress_) break;
      progress_ = false;
      met.clear();
      met.add(address);
    }
    std::array<std::uint32_t, 2> queue{};
    if (++outcome_.visited > visit_limit || !read(address, queue)) break;
    const auto [head, element] = queue;
    link = element & link_end ? head : element & link_queue ? element : run_queue(address, head, element);
  }
  return outcome_;
}

std::uint32_t UhciSchedule::run_queue(Gpa queue, std::uint32_t head, std::uint32_t element) {
  while (time_left()) {
    Descriptor td;
    if (!fetch(element, td)) return link_end;
    if (execute(td, true) == Step::stay) return head;
    if (!write(queue + 4, td.link)) return link_end;
    if ((td.link & link_end) || !(td.link & link_depth)) return head;
    if (td.link & link_queue) return td.link;
    element = td.link;
  }
  return link_end;
}

bool UhciSchedule::fetch(std::uint32_t link, Descriptor& td) {
  std::array<std::uint32_t, 4> words{};
  const Gpa at = link & link_address;
  if (++outcome_.visited > visit_limit || !read(at, words)) return false;
  td = {at, words[0], words[1], words[2], words[3]};
  return true;
}

UsbDevice* UhciSchedule::find(const Descriptor& td) const {
  for (const UhciPort& port : ports_) {
    UsbDevice* device = port.find((td.token >> 8) & 0x7f);
    if (device != nullptr && device->low_speed() == ((td.status & td_low_speed) != 0)) return device;
  }
  return nullptr;
}

UhciSchedule::Step UhciSchedule::execute(Descriptor& td, bool in_queue) {
  if (!(td.status & td_active)) {
    // Drivers wait for the end of a frame like that.
    if (td.status & td_interrupt) outcome_.complete = true;
    return Step::stay;
  }
  const std::uint32_t pid = td.token & 0xff, length = decode_length(td.token >> 21);
  if ((pid != token_setup && pid != token_in && pid != token_out) || length > td_length_limit) {
    outcome_.process_error = true;
    return Step::stay;
  }
  Transaction done{};
  if (!transact(td, length, done)) return Step::stay;
  ++outcome_.transactions;
  bytes_ += (packet_cost_bytes + done.bytes) * (td.status & td_low_speed ? 8 : 1);

  std::uint32_t status = td.status & ~(td_result | td_length_mask);
  const bool succeeded = done.answer == UsbAnswer::ack && !done.babble;
  if (succeeded) {
    status = (status & ~td_active) | encode_length(done.bytes);
  } else {
    status = failed(status | td_nothing, done, pid == token_setup);
  }
  const bool ended = !(status & td_active);
  if (ended) {
    progress_ = true;
    if (status & td_interrupt) outcome_.complete = true;
  }
  if (status != td.status && !write(td.at + 4, status)) return Step::stay;
  if (!ended || (status & td_stalled)) return Step::stay;
  if (in_queue && succeeded && pid == token_in && done.bytes < length && (status & td_short)) {
    outcome_.short_packet = true;
    return Step::stay;
  }
  return Step::advance;
}

std::uint32_t UhciSchedule::failed(std::uint32_t status, const Transaction& done, bool setup) {
  if (done.babble) {
    status |= td_babble;
  } else if (done.answer == UsbAnswer::nak) {
    status |= setup ? td_nak | td_timeout : td_nak;
  } else if (done.answer == UsbAnswer::silence) {
    status |= td_timeout;
  }
  if (status & td_isochronous) return status & ~td_active;
  if (done.answer == UsbAnswer::nak && !setup) return status;
  bool fatal = done.babble || done.answer == UsbAnswer::stall;
  if (!fatal && (status & td_errors)) {
    status -= td_errors_one;
    fatal = !(status & td_errors);
  }
  if (!fatal) return status;
  outcome_.error = true;
  return (status & ~td_active) | td_stalled;
}

bool UhciSchedule::transact(const Descriptor& td, std::uint32_t length, Transaction& out) {
  UsbDevice* const device = find(td);
  const std::uint32_t pid = td.token & 0xff;
  const unsigned endpoint = (td.token >> 15) & 0xf;
  out = {UsbAnswer::silence, 0, false};
  if (device == nullptr) return true;
  if (pid == token_in) {
    const UsbInput input = device->in(endpoint, packet_);
    out.answer = input.answer;
    if (input.answer != UsbAnswer::ack) return true;
    out.babble = input.length > length;
    out.bytes = static_cast<std::uint32_t>(std::min<std::size_t>(input.length, length));
    if (out.bytes == 0 || out.babble || memory_.write(td.buffer, Bytes(packet_).first(out.bytes))) return true;
  } else {
    const MutableBytes data = MutableBytes(packet_).first(length);
    out.bytes = length;
    if (length == 0 || memory_.read(td.buffer, data)) {
      out.answer = pid == token_setup ? device->setup(endpoint, data) : device->out(endpoint, data);
      return true;
    }
  }
  outcome_.system_error = true;
  return false;
}

}  // namespace lockstitch
