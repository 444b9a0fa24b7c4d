// See usb_tablet.h.
#include "devices/usb/usb_tablet.h"

#include <algorithm>

#include "devices/usb/tablet_descriptors.h"

namespace lockstitch {
namespace {
constexpr unsigned report_endpoint = 1;
constexpr std::uint16_t report_endpoint_address = 0x81;

enum Recipient : std::uint8_t { to_device = 0, to_interface = 1, to_endpoint = 2 };
constexpr std::uint8_t recipient_mask = 0x1f, kind_mask = 0x60, standard = 0x00, of_class = 0x20, to_host = 0x80;

enum Request : std::uint8_t {
  get_status = 0,
  clear_feature = 1,
  set_feature = 3,
  set_address = 5,
  get_descriptor = 6,
  get_configuration = 8,
  set_configuration = 9,
  get_interface = 10,
  set_interface = 11
};
enum ClassRequest : std::uint8_t { get_report = 1, get_idle = 2, set_idle = 10 };
constexpr std::uint16_t endpoint_halt = 0, device_remote_wakeup = 1;
constexpr std::uint8_t input_report = 1;

constexpr std::uint8_t three_buttons = 0x07;
constexpr std::int32_t wheel_most = 127, wheel_limit = 1024;

/// A request's code with the bits that say what it is about.
constexpr unsigned about(std::uint8_t direction, Recipient recipient, std::uint8_t code) {
  return (unsigned{direction} | recipient) << 8 | code;
}
}  // namespace

void UsbTablet::power_on() {
  reset();
  x_ = y_ = 0;
  buttons_ = 0;
  ignored_ = dropped_ = 0;
  asked_ns_ = {0};
}

void UsbTablet::reset() {
  control_.reset();
  address_ = configuration_ = idle_ = 0;
  remote_wakeup_ = halted_ = false;
  samples_.clear();
}

void UsbTablet::visit(StateVisitor& v, Sample& s) {
  v.field("x", s.x);
  v.field("y", s.y);
  v.field("buttons", s.buttons);
  v.field("wheel", s.wheel);
  v.field("click", s.click);
  if (!v.loading()) return;
  if (s.x <= place_max && s.y <= place_max && s.buttons <= three_buttons && s.wheel >= -wheel_limit &&
      s.wheel <= wheel_limit)
    return;
  v.fail("USB tablet: impossible report");
  s = {};
}

void UsbTablet::visit(StateVisitor& v) {
  {
    Section section(v, "control");
    control_.visit(v);
  }
  v.field("address", address_);
  v.field("configuration", configuration_);
  v.field("idle", idle_);
  v.field("remote_wakeup", remote_wakeup_);
  v.field("halted", halted_);
  v.field("asked_ns", asked_ns_);
  v.list("samples", samples_, sample_limit, [this](StateVisitor& each, Sample& sample) { visit(each, sample); });
  v.field("x", x_);
  v.field("y", y_);
  v.field("buttons", buttons_);
  v.field("ignored", ignored_);
  v.field("dropped", dropped_);
  if (!v.loading()) return;
  if (address_ > 127 || configuration_ > 1 || x_ > place_max || y_ > place_max || buttons_ > three_buttons)
    v.fail("USB tablet: impossible state");
}

// From the hand.

void UsbTablet::arrive(Bytes payload) {
  std::size_t i = 0;
  for (; i + event_bytes <= payload.size(); i += event_bytes) {
    const auto word = [&](std::size_t at) { return unsigned{payload[i + at]} | unsigned{payload[i + at + 1]} << 8; };
    add(word(0), word(2), payload[i + 4], static_cast<std::int8_t>(payload[i + 5]));
  }
  ignored_ += payload.size() - i;
}

bool UsbTablet::listening() const {
  const VirtualNs now = clock_.now();
  return configured() && (now <= asked_ns_ || now - asked_ns_ <= patience_ns);
}

void UsbTablet::add(unsigned x, unsigned y, unsigned buttons, int wheel) {
  x = std::min(x, place_max);
  y = std::min(y, place_max);
  buttons &= three_buttons;
  wheel = std::clamp(wheel, -wheel_limit, wheel_limit);
  const bool click = buttons != buttons_;
  const bool moved = x != x_ || y != y_;
  x_ = static_cast<std::uint16_t>(x);
  y_ = static_cast<std::uint16_t>(y);
  buttons_ = static_cast<std::uint8_t>(buttons);
  if (!configured() || (!click && !moved && wheel == 0)) return;

  if (!listening()) {
    samples_.clear();
    samples_.push_back({x_, y_, buttons_, 0, false});
  } else {
    // A wheel turns what is under the pointer: movement after it is a report of its own.
    const bool joins = !samples_.empty() && !click && !samples_.back().click && (samples_.back().wheel == 0 || !moved);
    if (!joins && samples_.size() < sample_limit) {
      samples_.push_back({});
      samples_.back().click = click;
    } else if (!joins && click) {
      ++dropped_;
    }
    Sample& last = samples_.back();
    last.x = x_;
    last.y = y_;
    last.buttons = buttons_;
    last.wheel = std::clamp(last.wheel + wheel, -wheel_limit, wheel_limit);
  }
  if (wants_wake()) wake();
}

// To the host.

void UsbTablet::write_report(MutableBytes packet, const Sample& sample, std::int32_t wheel) {
  packet[0] = sample.buttons;
  packet[1] = static_cast<std::uint8_t>(sample.x);
  packet[2] = static_cast<std::uint8_t>(sample.x >> 8);
  packet[3] = static_cast<std::uint8_t>(sample.y);
  packet[4] = static_cast<std::uint8_t>(sample.y >> 8);
  packet[5] = static_cast<std::uint8_t>(-wheel);  // HID counts upwards
}

std::size_t UsbTablet::report(MutableBytes packet) {
  Sample& first = samples_.front();
  const std::int32_t wheel = std::clamp(first.wheel, -wheel_most, wheel_most);
  write_report(packet, first, wheel);
  first.wheel -= wheel;
  if (first.wheel == 0) samples_.pop_front();
  return report_bytes;
}

UsbAnswer UsbTablet::setup(unsigned endpoint, Bytes data) {
  return endpoint == 0 ? control_.setup(data) : UsbAnswer::silence;
}

UsbAnswer UsbTablet::out(unsigned endpoint, Bytes data) {
  return endpoint == 0 ? control_.out(data) : UsbAnswer::silence;
}

UsbInput UsbTablet::in(unsigned endpoint, MutableBytes packet) {
  if (endpoint == 0) return control_.in(packet);
  if (endpoint != report_endpoint || !configured()) return {};
  asked_ns_ = clock_.now();
  if (halted_) return {UsbAnswer::stall, 0};
  if (samples_.empty()) return {UsbAnswer::nak, 0};
  return {UsbAnswer::ack, report(packet)};
}

bool UsbTablet::accept(const UsbRequest& r, std::vector<std::uint8_t>& reply) const {
  switch (r.type & kind_mask) {
    case standard:
      return accept_standard(r, reply);
    case of_class:
      return accept_class(r, reply);
    default:
      return false;
  }
}

bool UsbTablet::accept_standard(const UsbRequest& r, std::vector<std::uint8_t>& reply) const {
  const bool ours = configured() && r.index == 0;  // the interface
  const bool endpoint_zero = (r.index & 0xff7f) == 0;
  const bool reports = configured() && r.index == report_endpoint_address;
  switch (unsigned{static_cast<std::uint8_t>(r.type & (to_host | recipient_mask))} << 8 | r.code) {
    case about(to_host, to_device, get_status):
      reply = {static_cast<std::uint8_t>(remote_wakeup_ ? 2 : 0), 0};
      return true;
    case about(to_host, to_interface, get_status):
      reply = {0, 0};
      return ours;
    case about(to_host, to_endpoint, get_status):
      reply = {static_cast<std::uint8_t>(reports && halted_ ? 1 : 0), 0};
      return reports || endpoint_zero;
    case about(0, to_device, clear_feature):
    case about(0, to_device, set_feature):
      return r.value == device_remote_wakeup;
    case about(0, to_endpoint, clear_feature):
    case about(0, to_endpoint, set_feature):
      return r.value == endpoint_halt && (reports || endpoint_zero);
    case about(0, to_device, set_address):
      return r.value <= 127;
    case about(to_host, to_device, get_descriptor): {
      const auto kind = static_cast<UsbDescriptor>(r.value >> 8);
      if (kind == UsbDescriptor::hid || kind == UsbDescriptor::report) return false;
      return tablet_descriptor(kind, r.value & 0xff, r.index, reply);
    }
    case about(to_host, to_interface, get_descriptor): {
      const auto kind = static_cast<UsbDescriptor>(r.value >> 8);
      if (kind != UsbDescriptor::hid && kind != UsbDescriptor::report) return false;
      return r.index == 0 && tablet_descriptor(kind, r.value & 0xff, 0, reply);
    }
    case about(to_host, to_device, get_configuration):
      reply = {configuration_};
      return true;
    case about(0, to_device, set_configuration):
      return r.value <= 1;
    case about(to_host, to_interface, get_interface):
      reply = {0};
      return ours;
    case about(0, to_interface, set_interface):
      return ours && r.value == 0;
    default:
      return false;
  }
}

bool UsbTablet::accept_class(const UsbRequest& r, std::vector<std::uint8_t>& reply) const {
  if (!configured() || (r.type & recipient_mask) != to_interface || r.index != 0) return false;
  const bool reads = r.type & to_host;
  switch (r.code) {
    case get_report:
      if (!reads || r.value != input_report << 8) return false;
      reply.resize(report_bytes);
      write_report(reply, {x_, y_, buttons_, 0, false}, 0);
      return true;
    case get_idle:
      reply = {idle_};
      return reads && r.value == 0;
    case set_idle:
      return !reads && (r.value & 0xff) == 0;
    default:
      return false;
  }
}

void UsbTablet::carry_out(const UsbRequest& r) {
  if ((r.type & kind_mask) == of_class) {
    if (r.code == set_idle) idle_ = static_cast<std::uint8_t>(r.value >> 8);
    return;
  }
  switch (unsigned{static_cast<std::uint8_t>(r.type & (to_host | recipient_mask))} << 8 | r.code) {
    case about(0, to_device, clear_feature):
    case about(0, to_device, set_feature):
      remote_wakeup_ = r.code == set_feature;
      break;
    case about(0, to_endpoint, clear_feature):
    case about(0, to_endpoint, set_feature):
      if (r.index == report_endpoint_address) halted_ = r.code == set_feature;
      break;
    case about(0, to_device, set_address):
      address_ = static_cast<std::uint8_t>(r.value);
      break;
    case about(0, to_device, set_configuration):
      configuration_ = static_cast<std::uint8_t>(r.value);
      halted_ = false;
      idle_ = 0;
      samples_.clear();
      asked_ns_ = clock_.now();
      break;
    default:
      break;
  }
}

}  // namespace lockstitch
