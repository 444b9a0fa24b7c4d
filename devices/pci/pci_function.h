// The configuration space of one type-0 PCI function: identity, command register, base address registers, capability
// list. A function derives from it and is the Device the board adds. Not here: how the guest reaches it (pci_host.h)
// and what its interrupt pin leads to (isa_bridge.h). Source: PCI 3.0 chapter 6.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "devices/pci/placed_window.h"
#include "lockstitch/device.h"

namespace lockstitch {

struct PciIdentity {
  std::uint16_t vendor = 0xffff;
  std::uint16_t device = 0xffff;
  std::uint8_t revision = 0;
  std::uint32_t class_code = 0;  ///< class << 16 | subclass << 8 | interface
  std::uint16_t status = 0;
  std::uint8_t header_type = 0;    ///< 80h: more functions in this slot
  std::uint8_t interrupt_pin = 0;  ///< 1..4: INTA..INTD; 0: none
};

/// Range: `memory64` takes two registers.
enum class BarKind : std::uint8_t { io, memory32, memory32_prefetchable, memory64_prefetchable };

class PciFunction : public Device {
 public:
  static constexpr unsigned config_bytes = 256;

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void loaded() override;

  /// Range: width 1, 2 or 4; offset + width up to 256.
  virtual std::uint32_t read_config(unsigned offset, unsigned width);
  virtual void write_config(unsigned offset, unsigned width, std::uint32_t value);

 protected:
  PciFunction(std::string name, const PciIdentity& identity);

  // Called while the function is built; what is set here is the power-on state.
  void set_initial(unsigned offset, std::initializer_list<std::uint8_t> values);
  void set_writable(unsigned offset, unsigned count, std::uint8_t mask = 0xff);
  /// Range: size a power of two, at least 4 (I/O) or 16.
  void add_bar(unsigned index, BarKind kind, std::uint64_t size);
  /// Appends a capability: id, a byte for the link, contents. Returns its offset.
  unsigned add_capability(std::initializer_list<std::uint8_t> body);
  void attach_bar(unsigned index, MapPort& port);

  std::uint8_t config(unsigned offset) const { return config_[offset]; }
  std::uint32_t config_dword(unsigned offset) const;
  void set_config(unsigned offset, std::uint8_t value) { config_[offset] = value; }
  bool bus_master() const { return config_[4] & 4; }
  bool intx_disabled() const { return config_[5] & 4; }

 private:
  struct Bar {
    unsigned index;
    BarKind kind;
    std::uint64_t size;
    PlacedWindow window;
  };

  std::optional<std::uint64_t> place_of(const Bar& bar) const;
  void update_bars();

  std::string name_;
  std::array<std::uint8_t, config_bytes> initial_{};
  std::array<std::uint8_t, config_bytes> writable_{};
  std::vector<Bar> bars_;
  unsigned next_capability_ = 0x40;
  unsigned last_capability_link_ = 0x34;

  std::array<std::uint8_t, config_bytes> config_{};
};

}  // namespace lockstitch
