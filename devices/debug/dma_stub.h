// What is left of the two 8237 DMA controllers: guests find them and program them, nothing uses them.
#pragma once
#include <array>
#include <string>

#include "devices/byte_window.h"

namespace lockstitch {

/// Models:   the page registers of the 8237 pair (80h-8Fh); the controllers (00h-0Fh, C0h-DFh) as idle
/// Maturity: stub
/// Missing:  every transfer
/// Ignored:  writes to the controllers; their reads are 0 (no request, no terminal count)
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   reference/platform.md 2.3, 7.16
class DmaStub final : public Device {
 public:
  explicit DmaStub(std::string name) : name_(std::move(name)) {}

  std::string_view name() const override { return name_; }
  void reset() override { pages_.fill(0); }
  void visit(StateVisitor& visitor) override { visitor.field("pages", pages_); }

  /// Ports 00h-0Fh or C0h-DFh: any number of places, 32 bytes at most.
  RegisterWindow& controller() { return controller_window_; }
  /// Ports 81h-8Fh, 15 bytes.
  RegisterWindow& pages() { return page_window_; }

 private:
  std::uint8_t read_controller(std::uint64_t) { return 0; }
  void write_controller(std::uint64_t, std::uint8_t) {}
  std::uint8_t read_page(std::uint64_t offset) { return pages_[offset % pages_.size()]; }
  void write_page(std::uint64_t offset, std::uint8_t value) { pages_[offset % pages_.size()] = value; }

  std::string name_;
  std::array<std::uint8_t, 15> pages_{};
  ByteWindowOf<DmaStub> controller_window_{*this, &DmaStub::read_controller, &DmaStub::write_controller};
  ByteWindowOf<DmaStub> page_window_{*this, &DmaStub::read_page, &DmaStub::write_page};
};

}  // namespace lockstitch
