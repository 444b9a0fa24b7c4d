// One frame of a UHCI host controller: the walk over the lists in guest memory, and the transactions that it finds. Not
// here: when a frame is (uhci_controller.h). Source: UHCI 1.1 chapters 3 and 4.
#pragma once
#include <array>
#include <cstdint>

#include "devices/usb/uhci_port.h"
#include "devices/usb/uhci_registers.h"
#include "lockstitch/guest_memory.h"

namespace lockstitch {

class UhciSchedule {
 public:
  static constexpr unsigned ports = 2;
  /// Unit: bytes on the bus in one frame. What goes with the data of a packet counts as packet_cost_bytes, so this
  /// bounds the transactions as well.
  static constexpr unsigned frame_bytes = 1500, packet_cost_bytes = 13;
  /// Unit: queue heads and transfer descriptors that one frame looks at.
  static constexpr unsigned visit_limit = 512;

  /// What a frame asks for at its end.
  struct Outcome {
    bool complete = false, short_packet = false, error = false;
    bool system_error = false;   ///< memory that is not there
    bool process_error = false;  ///< a descriptor that cannot be
    unsigned visited = 0, transactions = 0;

    bool fault() const { return system_error || process_error; }
  };

  UhciSchedule(GuestMemory& memory, std::array<UhciPort, ports>& root_ports) : memory_(memory), ports_(root_ports) {}

  /// `entry`: the address of the frame's entry in the frame list.
  Outcome run(Gpa entry);

 private:
  enum class Step : std::uint8_t { advance, stay };
  struct Descriptor {
    Gpa at;
    std::uint32_t link, status, token, buffer;
  };
  struct Transaction {
    UsbAnswer answer;
    std::uint32_t bytes;
    bool babble;
  };

  /// Returns the link to go on with.
  std::uint32_t run_queue(Gpa queue, std::uint32_t head, std::uint32_t element);
  /// False: the frame ends here.
  bool fetch(std::uint32_t link, Descriptor& td);
  Step execute(Descriptor& td, bool in_queue);
  bool transact(const Descriptor& td, std::uint32_t length, Transaction& out);
  /// Sets the result of a transaction that did not succeed.
  std::uint32_t failed(std::uint32_t status, const Transaction& done, bool setup);
  UsbDevice* find(const Descriptor& td) const;
  bool time_left() const { return bytes_ < frame_bytes; }
  template <std::size_t N>
  bool read(Gpa gpa, std::array<std::uint32_t, N>& words);
  bool write(Gpa gpa, std::uint32_t word);

  GuestMemory& memory_;
  std::array<UhciPort, ports>& ports_;

  // Of the frame that is under way.
  Outcome outcome_;
  unsigned bytes_ = 0;
  bool progress_ = false;  ///< a transaction ended since the queues were last counted
  std::array<std::uint8_t, uhci::td_length_limit> packet_{};
};

}  // namespace lockstitch
