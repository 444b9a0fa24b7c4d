// PCI configuration mechanism #1 and bus 0, with the host bridge that is its function 00.0. Functions are added by the
// board, which also adds each of them as a device of its own. Source: PCI 3.0 3.2.2.3.2;
// reference/platform.md 2.4, 7.1.
#pragma once
#include <array>
#include <cstdint>

#include "devices/pci/pci_function.h"

namespace lockstitch {

/// Models:   Intel 440FX host bridge (8086:1237) and ports CF8h-CFFh
/// Maturity: configuration access and PAM complete
/// Missing:  effect of the SMRAM register (stored only); buses other than 0
/// Ignored:  8- and 16-bit accesses to CF8h-CFBh, other than 8-bit ones to CF9h, which go to `reset_control`
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   reference/platform.md 2.4, 7.1
class PciHost final : public PciFunction {
 public:
  /// `reset_control`: a window of one byte that answers at CF9h; may be null. `shadow`: told of the PAM registers; may
  /// be null.
  PciHost(std::string name, RegisterWindow* reset_control, ShadowPort* shadow = nullptr);

  /// Range: slot 0..31, function 0..7, each place once; 00.0 is taken.
  void add(unsigned slot, unsigned function, PciFunction& pci_function);

  /// Ports CF8h-CFBh, 4 bytes.
  RegisterWindow& address() { return address_window_; }
  /// Ports CFCh-CFFh, 4 bytes.
  RegisterWindow& data() { return data_window_; }

  void reset() override;
  void visit(StateVisitor& visitor) override;
  void loaded() override;
  void write_config(unsigned offset, unsigned width, std::uint32_t value) override;

 private:
  class AddressWindow final : public RegisterWindow {
   public:
    explicit AddressWindow(PciHost& host) : host_(host) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    PciHost& host_;
  };
  class DataWindow final : public RegisterWindow {
   public:
    explicit DataWindow(PciHost& host) : host_(host) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    PciHost& host_;
  };

  /// The function the latch points at, or null.
  PciFunction* selected() const;

  void tell_shadow();

  RegisterWindow* reset_control_;
  ShadowPort* shadow_;
  std::array<PciFunction*, 256> functions_{};
  AddressWindow address_window_{*this};
  DataWindow data_window_{*this};

  std::uint32_t latch_ = 0;
};

}  // namespace lockstitch
