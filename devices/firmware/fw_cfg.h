// The firmware configuration interface: named files and numbered entries that firmware reads by ports or by DMA. Not
// here: what they hold (vmm/boot/firmware_files.h).
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   QEMU's fw_cfg on I/O ports (selector and data 510h-511h, DMA 514h-51Bh)
/// Maturity: complete for reading
/// Missing:  writing: a write by DMA ends with the error bit
/// Ignored:  reads of the selector; data is read byte by byte
/// Arrivals: none
/// Effects:  none
/// Alarms:   none; DMA is done at once, as firmware expects that polls for it
/// Source:   QEMU docs/specs/fw_cfg.rst; reference/platform.md 6.1
class FwCfg final : public Device {
 public:
  static constexpr std::size_t name_max_bytes = 55;

  FwCfg(std::string name, GuestMemory& memory) : name_(std::move(name)), memory_(memory) {}

  // Before the start; what is set here never changes.
  /// Range: key below 20h but not 19h, or from 8000h on.
  void set_entry(std::uint16_t key, std::vector<std::uint8_t> contents);
  /// Files get keys from 20h on in the order of their names. Order: once.
  void set_files(const std::map<std::string, std::vector<std::uint8_t>>& files);

  /// Ports 510h-511h, 2 bytes.
  RegisterWindow& ports() { return ports_; }
  /// Ports 514h-51Bh, 8 bytes, big-endian.
  RegisterWindow& dma() { return dma_window_; }

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;

 private:
  class Ports final : public RegisterWindow {
   public:
    explicit Ports(FwCfg& owner) : owner_(owner) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    FwCfg& owner_;
  };
  class DmaWindow final : public RegisterWindow {
   public:
    explicit DmaWindow(FwCfg& owner) : owner_(owner) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override;
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

   private:
    FwCfg& owner_;
  };

  void select(std::uint16_t key);
  std::uint8_t next_byte();
  void transfer();
  /// False: it does not reach memory.
  bool read_into(Gpa gpa, std::uint64_t bytes);

  std::string name_;
  GuestMemory& memory_;
  std::map<std::uint16_t, std::vector<std::uint8_t>> entries_;
  Ports ports_{*this};
  DmaWindow dma_window_{*this};

  std::uint16_t key_ = 0;
  std::uint64_t offset_ = 0;  ///< of the next byte; past the end zeros are read
  std::uint64_t dma_address_ = 0;
};

}  // namespace lockstitch
