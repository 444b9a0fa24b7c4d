// A 16550A serial port. Not here: where its bytes go, and how its input is typed.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "devices/byte_window.h"

namespace lockstitch {

/// Models:   16550A with FIFOs (8 ports, e.g. 3F8h)
/// Maturity: complete for guests that do not measure the line
/// Missing:  parity, framing and break; the receiver's four-character time-out passes at once
/// Ignored:  the baud rate: a byte leaves when it is written, the transmitter always reads as empty, and only its
///           interrupt comes a fixed time later; input never overruns the FIFO, it waits outside of it
/// Arrivals: bytes received on the line
/// Effects:  one byte each, sent on the line
/// Alarms:   one: the transmitter-empty interrupt
/// Source:   National PC16550D datasheet; reference/platform.md 7.12
class Uart16550 final : public Device, public ByteWindow, public ArrivalHandler, public AlarmHandler {
 public:
  /// Unit: bytes. Input that waits for the guest: one paste. What is beyond is dropped and counted.
  static constexpr std::size_t input_limit_bytes = 64 << 10;
  /// Unit: ns. From a written byte to the next transmitter-empty interrupt: long enough that a driver's interrupt
  /// routine ends in between, short enough for a fast console.
  static constexpr std::uint64_t transmit_ns = 10'000;

  Uart16550(std::string name, IrqLine& irq, EffectPort& line, ClockPort& clock);
  void attach(AlarmPort& transmitted) { transmitted_ = &transmitted; }

  std::string_view name() const override { return name_; }
  void reset() override;
  void visit(StateVisitor& visitor) override;
  void arrive(Bytes payload) override;
  void alarm() override;

  /// Unit: bytes, since power-on.
  std::uint64_t dropped_bytes() const { return dropped_; }

 private:
  static constexpr unsigned fifo_bytes = 16;

  std::uint8_t read_byte(std::uint64_t offset) override;
  void write_byte(std::uint64_t offset, std::uint8_t value) override;

  bool divisor_access() const;
  bool fifo_enabled() const;
  bool looped() const;
  void put(std::uint8_t value);
  std::uint8_t take();
  /// Fills the FIFO from the bytes that wait.
  void refill();
  void transmit(std::uint8_t value);
  void write_fifo_control(std::uint8_t value);
  void write_modem_control(std::uint8_t value);
  std::uint8_t modem_lines() const;
  /// IIR bits 3:0.
  std::uint8_t cause() const;
  void update();

  std::string name_;
  IrqLine& irq_;
  EffectPort& line_;
  ClockPort& clock_;
  AlarmPort* transmitted_ = nullptr;

  std::uint8_t interrupt_enable_ = 0, fifo_control_ = 0, line_control_ = 0, modem_control_ = 0, scratch_ = 0;
  std::uint16_t divisor_ = 12;
  std::uint8_t modem_changes_ = 0;  ///< MSR bits 3:0
  bool overrun_ = false;
  bool transmit_interrupt_ = false;  ///< the transmitter became empty and IIR was not read since
  std::array<std::uint8_t, fifo_bytes> fifo_{};
  std::uint8_t fifo_first_ = 0, fifo_count_ = 0;
  std::vector<std::uint8_t> waiting_;
  std::size_t waiting_first_ = 0;  ///< bytes of `waiting_` already taken
  std::uint64_t dropped_ = 0;
};

}  // namespace lockstitch
