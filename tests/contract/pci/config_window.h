// The configuration space of one function as a window, so that random accesses reach it without a host.
#pragma once
#include "devices/pci/pci_function.h"

namespace lockstitch::test {

class ConfigWindow final : public RegisterWindow {
 public:
  explicit ConfigWindow(PciFunction& function) : function_(function) {}
  std::uint64_t read(std::uint64_t offset, unsigned width) override {
    return function_.read_config(static_cast<unsigned>(offset), width);
  }
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override {
    function_.write_config(static_cast<unsigned>(offset), width, static_cast<std::uint32_t>(value));
  }

 private:
  PciFunction& function_;
};

}  // namespace lockstitch::test
