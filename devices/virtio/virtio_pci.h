// The virtio-pci transport: carries one virtio device on the PCI bus. It is the Device the board adds; the virtio
// device is part of its state. Not here: what any device type does with its queues. Source: virtio 1.2 4.1.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "devices/pci/msix.h"
#include "devices/pci/pci_function.h"
#include "devices/virtio/virtio_device.h"
#include "devices/virtio/virtqueue.h"

namespace lockstitch {

/// Models:   virtio-pci, modern only (1AF4:1040h + type, revision 1): BAR1 MSI-X (4 KiB), BAR4 registers (16 KiB)
/// Maturity: complete for split queues
/// Missing:  legacy interface, packed ring, EVENT_IDX, RING_RESET, NOTIFICATION_DATA
/// Ignored:  accesses of another width than a register's; changes to a queue that is enabled; writes to the device
///           configuration; status bits that go away without a reset
/// Arrivals: those of the device it carries
/// Effects:  those of the device it carries
/// Alarms:   those of the device it carries
/// Source:   virtio 1.2 2.1, 4.1; reference/platform.md 7.15
class VirtioPci final : public PciFunction, private VirtioTransport {
 public:
  static constexpr unsigned msix_bar = 1, register_bar = 4;
  static constexpr std::uint64_t msix_bytes = Msix::window_bytes, register_bytes = 16384;

  VirtioPci(std::string name, GuestMemory& memory, MsiPort& msi, IrqLine& intx, VirtioDevice& device);
  /// Called once, before anything else. The ports move msix_window() and registers().
  void attach(MapPort& msix_window, MapPort& registers);

  /// 4 KiB, BAR 1.
  RegisterWindow& msix_window() { return msix_; }
  /// 16 KiB, BAR 4.
  RegisterWindow& registers() { return registers_; }

  /// How often the driver broke a ring; each time the device waited for a reset.
  std::uint64_t broken_count() const { return broken_count_; }

  void reset() override;
  void visit(StateVisitor& visitor) override;
  void loaded() override;
  std::uint32_t read_config(unsigned offset, unsigned width) override;
  void write_config(unsigned offset, unsigned width, std::uint32_t value) override;

 private:
  class Registers final : public RegisterWindow {
   public:
    explicit Registers(VirtioPci& owner) : owner_(owner) {}
    std::uint64_t read(std::uint64_t offset, unsigned width) override { return owner_.read_register(offset, width); }
    void write(std::uint64_t offset, unsigned width, std::uint64_t value) override {
      owner_.write_register(offset, width, value);
    }

   private:
    VirtioPci& owner_;
  };

  struct Queue {
    explicit Queue(GuestMemory& memory) : ring(memory) {}
    Virtqueue ring;
    std::uint16_t vector = 0xffff;
  };

  // VirtioTransport
  bool negotiated(unsigned feature) const override { return (driver_features_ >> feature) & 1; }
  bool running() const override;
  unsigned queue_size(unsigned queue) const override { return queues_[queue].ring.size(); }
  bool take(unsigned queue, DescriptorChain& chain) override;
  void give_back(unsigned queue, unsigned count) override { queues_[queue].ring.give_back(count); }
  bool walk(unsigned queue, std::uint16_t head, DescriptorChain& chain) override;
  bool read(const DescriptorChain& chain, std::uint64_t offset, MutableBytes out) override;
  bool write(const DescriptorChain& chain, std::uint64_t offset, Bytes in) override;
  bool complete(unsigned queue, std::uint16_t head, std::uint64_t written) override;
  void interrupt(unsigned queue) override;
  void config_changed() override;
  void broken() override;

  std::uint64_t offered_features() const;
  std::uint64_t read_register(std::uint64_t offset, unsigned width);
  void write_register(std::uint64_t offset, unsigned width, std::uint64_t value);
  std::uint32_t common_dword(unsigned index);
  void write_common(unsigned offset, unsigned width, std::uint32_t value);
  void write_queue(unsigned offset, unsigned width, std::uint32_t value, Queue& queue);
  void set_status(std::uint8_t value);
  void device_reset();
  void notify(unsigned queue);
  void notify_all();
  Queue* selected_queue() { return queue_select_ < queues_.size() ? &queues_[queue_select_] : nullptr; }
  std::uint16_t valid_vector(std::uint32_t value) const;

  bool msix_enabled() const;
  void signal(std::uint16_t vector, std::uint8_t isr_bit);
  bool line_level() const { return isr_ != 0 && !msix_enabled(); }
  void update_line() { intx_.set(line_level() && !intx_disabled()); }

  /// The access that the PCI configuration access capability describes; false if it describes none.
  bool config_access(RegisterWindow*& window, std::uint64_t& offset, unsigned& width);

  GuestMemory& memory_;
  IrqLine& intx_;
  VirtioDevice& device_;
  Msix msix_;
  Registers registers_{*this};
  unsigned msix_capability_ = 0, access_capability_ = 0;

  std::uint32_t device_feature_select_ = 0, driver_feature_select_ = 0;
  std::uint64_t driver_features_ = 0;
  std::uint16_t config_vector_ = 0xffff;
  std::uint16_t queue_select_ = 0;
  std::uint8_t status_ = 0;
  std::uint8_t generation_ = 0;
  std::uint8_t isr_ = 0;
  std::uint64_t broken_count_ = 0;
  std::vector<Queue> queues_;
};

}  // namespace lockstitch
