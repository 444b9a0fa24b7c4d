// What a device is and the narrow ports it may be given (law 1). A device is told; it never asks the host. It does not
// know where its windows lie nor who listens. Constructors take the ports a device needs, by reference, and nothing else.
#pragma once
#include <cstdint>
#include <string_view>

#include "lockstitch/guest_memory.h"
#include "lockstitch/state.h"
#include "lockstitch/tick.h"
#include "lockstitch/types.h"

namespace lockstitch {

/// A range of ports or of guest-physical addresses that one device answers.
class RegisterWindow {
 public:
  virtual ~RegisterWindow() = default;
  /// Range: width 1, 2, 4 or 8; offset + width stays in the window. Any sequence is safe. Result above `width` is ignored.
  virtual std::uint64_t read(std::uint64_t offset, unsigned width) = 0;
  virtual void write(std::uint64_t offset, unsigned width, std::uint64_t value) = 0;
};

/// A wire into an interrupt controller. set() with an unchanged level does nothing.
class IrqLine {
 public:
  virtual ~IrqLine() = default;
  virtual void set(bool level) = 0;
};

/// A message-signalled interrupt (a memory write to FEEx_xxxx).
class MsiPort {
 public:
  virtual ~MsiPort() = default;
  virtual void message(std::uint64_t address, std::uint32_t data) = 0;
};

/// The virtual clock.
class ClockPort {
 public:
  virtual ~ClockPort() = default;
  virtual VirtualNs now() const = 0;
};

/// Who is called when an alarm is due.
class AlarmHandler {
 public:
  virtual ~AlarmHandler() = default;
  virtual void alarm() = 0;
};

/// One alarm. It rings once, at the first tick whose virtual time is at or past the deadline; a deadline in the past rings
/// at the next top of the loop. set() replaces an earlier deadline. Alarms are saved with the machine, not by the device.
class AlarmPort {
 public:
  virtual ~AlarmPort() = default;
  virtual void set(VirtualNs deadline) = 0;
  virtual void cancel() = 0;
};

/// Where a device sends what leaves the machine.
class EffectPort {
 public:
  virtual ~EffectPort() = default;
  virtual void emit(Bytes payload) = 0;
};

/// A device that takes input from outside.
class ArrivalHandler {
 public:
  virtual ~ArrivalHandler() = default;
  virtual void arrive(Bytes payload) = 0;
};

/// One relocatable window (a PCI BAR). place() moves it, remove() takes it off the bus.
class MapPort {
 public:
  virtual ~MapPort() = default;
  /// Fails: a place that overlaps another window is refused; the window is then off the bus and reads are all ones.
  virtual void place(std::uint64_t base) = 0;
  virtual void remove() = 0;
};

/// Memory on a device (video memory, flash): pages that the device itself uses and that the guest reaches without asking
/// the device where they are placed. It belongs to the machine's memory in digests and checkpoints; the device does not
/// visit it.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  virtual Bytes contents() const = 0;
  /// Range: offset + in.size() inside contents().
  virtual void write(std::uint64_t offset, Bytes in) = 0;
  /// Where the guest sees it. Nowhere after power-on.
  virtual MapPort& map() = 0;
};

/// The host bridge's say over C0000h-FFFFFh: whether RAM or ROM answers.
class ShadowPort {
 public:
  virtual ~ShadowPort() = default;
  /// Range: whole pages inside C0000h-FFFFFh.
  virtual void set_shadow(Gpa base, std::uint64_t bytes, bool read_ram, bool write_ram) = 0;
};

/// Requests about the machine as a whole; carried out at the end of the current instruction.
class PowerPort {
 public:
  virtual ~PowerPort() = default;
  virtual void power_off() = 0;
  virtual void reset() = 0;
  /// The guest ended the run through the debug-exit port with this byte.
  virtual void debug_exit(std::uint8_t code) = 0;
};

/// What a local interrupt controller can do to its CPU besides the interrupt request itself.
class CpuSignals {
 public:
  virtual ~CpuSignals() = default;
  virtual void nmi() = 0;
  virtual void init() = 0;
  virtual void startup(std::uint8_t vector) = 0;
};

/// The CPU's side of its local interrupt controller: the loop and the engine's exits talk to this.
class CpuInterruptPort {
 public:
  virtual ~CpuInterruptPort() = default;
  /// An interrupt of sufficient priority waits for the CPU.
  virtual bool interrupt_pending() const = 0;
  /// Takes it: moves it in service and returns its vector.
  virtual std::uint8_t acknowledge() = 0;
  /// CR8 (SDM 3A 10.8.6). Range: 0..15.
  virtual std::uint8_t task_priority() const = 0;
  virtual void set_task_priority(std::uint8_t cr8) = 0;
  /// MSRs of the controller: 1Bh, 6E0h, 800h-8FFh. False: the access is a #GP.
  virtual bool read_msr(std::uint32_t index, std::uint64_t& value) = 0;
  virtual bool write_msr(std::uint32_t index, std::uint64_t value) = 0;
};

class Device : public Stateful {
 public:
  /// Stable name in states and reports, e.g. "serial0".
  virtual std::string_view name() const = 0;
  /// Power-on state. Idempotent. Cancels the device's alarms and lowers its lines.
  virtual void reset() = 0;
};

}  // namespace lockstitch
