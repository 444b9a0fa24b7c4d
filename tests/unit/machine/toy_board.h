// A small board around the toy CPU: an interrupt controller, a timer, a console and a DMA device, each as simple as the
// contract allows. Every event of a device is traced with its tick, so that two executions can be compared.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/machine/toy_engine.h"
#include "vmm/machine/machine.h"

namespace lockstitch::toy {

// Where things lie.
inline constexpr std::uint16_t port_controller = 0x20;
inline constexpr std::uint16_t port_timer0 = 0x40;
inline constexpr std::uint16_t port_timer1 = 0x60;
inline constexpr std::uint16_t port_console = 0x80;
inline constexpr Gpa dma_places[] = {0x1000'0000, 0x1000'1000};
inline constexpr Gpa mmio_dma = dma_places[0];

struct Event {
  std::uint64_t tick = 0;
  std::uint64_t ns = 0;
  std::string what;
  std::uint64_t value = 0;
  friend bool operator==(const Event&, const Event&) = default;
};

inline std::string to_text(const Event& e) {
  return std::to_string(e.tick) + " (" + std::to_string(e.ns) + " ns) " + e.what + " " + std::to_string(e.value);
}

class Trace {
 public:
  explicit Trace(VirtualClock& clock) : clock_(clock) {}
  void add(std::string what, std::uint64_t value) {
    events.push_back({clock_.tick().value, clock_.now().value, std::move(what), value});
  }
  std::vector<Event> events;

 private:
  VirtualClock& clock_;
};

/// Eight level inputs; a served interrupt blocks the others until its end. Port +0: end of interrupt. MSR 0x800: a
/// scratch.
class ToyController final : public Device, public CpuInterruptPort, public RegisterWindow {
 public:
  struct Input final : IrqLine {
    void set(bool level) override {
      owner->levels_ =
          static_cast<std::uint8_t>(level ? owner->levels_ | 1u << index : owner->levels_ & ~(1u << index));
      owner->trace_.add("input" + std::to_string(index), level);
    }
    ToyController* owner = nullptr;
    unsigned index = 0;
  };

  explicit ToyController(Trace& trace) : trace_(trace) {
    for (unsigned i = 0; i < inputs.size(); ++i) {
      inputs[i].owner = this;
      inputs[i].index = i;
    }
  }

  bool interrupt_pending() const override { return !in_service_ && (levels_ >> priority_) != 0; }
  std::uint8_t acknowledge() override {
    unsigned index = 7;
    while ((levels_ >> index & 1) == 0) --index;
    in_service_ = true;
    trace_.add("acknowledge", index);
    return static_cast<std::uint8_t>(0x20 + index);
  }
  std::uint8_t task_priority() const override { return priority_; }
  void set_task_priority(std::uint8_t cr8) override { priority_ = cr8; }
  bool read_msr(std::uint32_t index, std::uint64_t& value) override {
    value = scratch_;
    return index == 0x800;
  }
  bool write_msr(std::uint32_t index, std::uint64_t value) override {
    if (index != 0x800) return false;
    scratch_ = value;
    return true;
  }
  std::uint64_t read(std::uint64_t, unsigned) override { return levels_; }
  void write(std::uint64_t, unsigned, std::uint64_t) override {
    in_service_ = false;
    trace_.add("end_of_interrupt", 0);
  }

  std::string_view name() const override { return "controller"; }
  void reset() override {
    in_service_ = false;
    priority_ = 0;
    scratch_ = 0;
  }
  void visit(StateVisitor& v) override {
    v.field("levels", levels_);
    v.field("in_service", in_service_);
    v.field("priority", priority_);
    v.field("scratch", scratch_);
  }

  std::array<Input, 8> inputs;

 private:
  Trace& trace_;
  std::uint8_t levels_ = 0;
  bool in_service_ = false;
  std::uint8_t priority_ = 0;
  std::uint64_t scratch_ = 0;
};

/// Port +0 write: alarm in so many ns, 0 in the past; read: rings so far. +4 write: line low. +8 write: cancel.
/// +12 write: repeat with this interval. +16 write: alarm exactly now. +20 write: line high at once.
class ToyTimer final : public Device, public RegisterWindow, public AlarmHandler {
 public:
  ToyTimer(std::string name, ClockPort& clock, Alarms& alarms, IrqLine& line, Trace& trace)
      : name_(std::move(name)), clock_(clock), alarm_(alarms.make(name_, *this)), line_(line), trace_(trace) {}

  void alarm() override {
    ++rings_;
    trace_.add(name_ + " rings", rings_);
    if (interval_ != 0) alarm_.set(clock_.now() + interval_);
    line_.set(true);
  }
  std::uint64_t read(std::uint64_t, unsigned) override { return rings_; }
  void write(std::uint64_t offset, unsigned, std::uint64_t value) override {
    trace_.add(name_ + " +" + std::to_string(offset), value);
    if (offset == 0) alarm_.set(value == 0 ? VirtualNs{0} : clock_.now() + value);
    if (offset == 4) line_.set(false);
    if (offset == 8) alarm_.cancel();
    if (offset == 12) interval_ = value;
    if (offset == 16) alarm_.set(clock_.now());
    if (offset == 20) line_.set(true);
  }
  std::string_view name() const override { return name_; }
  void reset() override {
    alarm_.cancel();
    line_.set(false);
    interval_ = 0;
  }
  void visit(StateVisitor& v) override {
    v.field("rings", rings_);
    v.field("interval", interval_);
  }

 private:
  std::string name_;
  ClockPort& clock_;
  AlarmPort& alarm_;
  IrqLine& line_;
  Trace& trace_;
  std::uint64_t rings_ = 0;
  std::uint64_t interval_ = 0;
};

/// +0 read: next byte or all ones; write: an effect. +4 write: NMI. +8: INIT. +12: power-off. +16: debug exit.
/// +20: reset. +24: moves the DMA device to its first or second place, by the lowest bit.
class ToyConsole final : public Device, public RegisterWindow, public ArrivalHandler {
 public:
  ToyConsole(EffectPort& effects, IrqLine& line, PowerPort& power, CpuSignals& signals, Trace& trace)
      : effects_(effects), line_(line), power_(power), signals_(signals), trace_(trace) {}

  void arrive(Bytes payload) override {
    trace_.add("arrival", payload.size());
    for (const std::uint8_t byte : payload) {
      if (bytes_.size() < capacity) bytes_.push_back(byte);
    }
    line_.set(!bytes_.empty());
  }
  std::uint64_t read(std::uint64_t, unsigned width) override {
    if (bytes_.empty()) return ones(width);
    const std::uint8_t byte = bytes_.front();
    bytes_.erase(bytes_.begin());
    line_.set(!bytes_.empty());
    return byte;
  }
  void write(std::uint64_t offset, unsigned, std::uint64_t value) override {
    trace_.add("console +" + std::to_string(offset), value);
    if (offset == 0) {
      const std::uint8_t text[] = {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8)};
      effects_.emit(text);
    }
    if (offset == 4) signals_.nmi();
    if (offset == 8) signals_.init();
    if (offset == 12) power_.power_off();
    if (offset == 16) power_.debug_exit(static_cast<std::uint8_t>(value));
    if (offset == 20) power_.reset();
    if (offset == 24) moves->place(dma_places[value & 1]);
  }
  std::string_view name() const override { return "console"; }
  void reset() override {
    bytes_.clear();
    line_.set(false);
  }
  void visit(StateVisitor& v) override { v.blob("bytes", bytes_, capacity); }

  MapPort* moves = nullptr;

 private:
  static constexpr std::size_t capacity = 64;
  EffectPort& effects_;
  IrqLine& line_;
  PowerPort& power_;
  CpuSignals& signals_;
  Trace& trace_;
  std::vector<std::uint8_t> bytes_;
};

/// Memory-mapped. +0 write: a DMA write of 16 bytes derived from the value, to a place derived from it; read: its sum.
class ToyDma final : public Device, public RegisterWindow {
 public:
  ToyDma(GuestMemory& memory, ClockPort& clock) : memory_(memory), clock_(clock) {}

  std::uint64_t read(std::uint64_t, unsigned) override { return sum_ + clock_.now().value; }
  void write(std::uint64_t, unsigned, std::uint64_t value) override {
    sum_ = sum_ * 31 + value;
    std::uint8_t data[16];
    for (unsigned i = 0; i < 16; ++i) data[i] = static_cast<std::uint8_t>(sum_ >> (i % 8 * 8));
    memory_.write((sum_ * 4097) % (64 * page_bytes), data);
  }
  std::string_view name() const override { return "dma"; }
  void reset() override { sum_ = 0; }
  void visit(StateVisitor& v) override { v.field("sum", sum_); }

 private:
  GuestMemory& memory_;
  ClockPort& clock_;
  std::uint64_t sum_ = 1;
};

struct Board {
  explicit Board(Program program, MachineConfig config = {}, std::uint64_t memory_bytes = 128 * page_bytes)
      : Board(std::make_unique<ToyEngine>(std::move(program)), config, memory_bytes) {}

  Board(std::unique_ptr<ToyEngine> toy, MachineConfig config, std::uint64_t memory_bytes)
      : engine(*toy),
        machine(config, std::move(toy), std::make_unique<Memory>(memory_bytes)),
        trace(machine.clock()),
        controller(trace),
        console_port(machine.make_port("console")),
        timer0("timer0", machine.clock(), machine.alarms(), machine.irqs().make_line(0), trace),
        timer1("timer1", machine.clock(), machine.alarms(), machine.irqs().make_line(1), trace),
        console(machine.effects(console_port), machine.irqs().make_line(4), machine.power(), machine.cpu_signals(),
                trace),
        dma(machine.memory(), machine.clock()) {
    machine.set_arrival_handler(console_port, console);
    for (const unsigned gsi : {0u, 1u, 4u}) machine.irqs().connect(gsi, controller.inputs[gsi]);
    machine.bus().add_ports(port_controller, 4, controller);
    machine.bus().add_ports(port_timer0, 32, timer0);
    machine.bus().add_ports(port_timer1, 32, timer1);
    machine.bus().add_ports(port_console, 32, console);
    console.moves = &machine.bus().make_memory_bar(16, dma);
    console.moves->place(mmio_dma);
    for (Device* device : std::initializer_list<Device*>{&controller, &timer0, &timer1, &console, &dma}) {
      machine.add_device(*device);
    }
    machine.set_interrupt_port(controller);
  }

  ToyEngine& engine;
  Machine machine;
  Trace trace;
  ToyController controller;
  PortId console_port;
  ToyTimer timer0;
  ToyTimer timer1;
  ToyConsole console;
  ToyDma dma;
};

}  // namespace lockstitch::toy
