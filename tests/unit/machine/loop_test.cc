// Claims about the loop, one at a time. The claims that hold for every program are in loop_random_test.cc.
#include <doctest/doctest.h>

#include "tests/unit/machine/toy_board.h"
#include "tests/unit/machine/toy_world.h"
#include "vmm/machine/quiet_source.h"

using namespace lockstitch;
using namespace lockstitch::toy;

namespace {

/// Main program from 0; the interrupt handler acknowledges timer0 and the controller; the NMI handler just returns.
Program with_handlers(std::vector<Op> main) {
  Program program;
  main.push_back({OpKind::jump, main.size()});
  program.interrupt_handler = main.size();
  main.push_back({OpKind::out, port_timer0 + 4, 0});
  main.push_back({OpKind::out, port_controller, 0});
  main.push_back({OpKind::iret});
  program.nmi_handler = main.size();
  main.push_back({OpKind::nop});
  main.push_back({OpKind::iret_nmi});
  program.ops = std::move(main);
  return program;
}

std::vector<std::uint64_t> ticks_of(const Trace& trace, const std::string& what) {
  std::vector<std::uint64_t> ticks;
  for (const Event& event : trace.events) {
    if (event.what == what) ticks.push_back(event.tick);
  }
  return ticks;
}

using Ticks = std::vector<std::uint64_t>;

struct Run {
  explicit Run(std::vector<Op> main, MachineConfig config = {}) : board(with_handlers(std::move(main)), config) {}
  End until(std::uint64_t tick) { return board.machine.run(quiet, sink, {tick}); }
  End until(Source& source, std::uint64_t tick) { return board.machine.run(source, sink, {tick}); }
  Board board;
  QuietSource quiet;
  KeepingSink sink;
};

}  // namespace

TEST_CASE("a run stops exactly at its stop tick and can be continued") {
  Run run({{OpKind::nop}});
  for (const std::uint64_t tick : {1u, 2u, 50'000u, 123'456u}) {
    const End end = run.until(tick);
    CHECK(end.reason == EndReason::stop_tick);
    CHECK(run.board.machine.tick() == Tick{tick});
  }
}

TEST_CASE("an alarm that a device sets in an exit shortens the run to its exact tick") {
  Run run({{OpKind::nop}, {OpKind::out, port_timer0, 100}});
  run.until(1000);
  CHECK(ticks_of(run.board.trace, "timer0 rings") == Ticks{101});
}

TEST_CASE("a later alarm does not hide an earlier one, and a cancelled one does not ring") {
  Run run({{OpKind::out, port_timer0, 300}, {OpKind::out, port_timer1, 100}, {OpKind::out, port_timer0 + 8, 0}});
  run.until(1000);
  CHECK(ticks_of(run.board.trace, "timer1 rings") == Ticks{101});
  CHECK(ticks_of(run.board.trace, "timer0 rings").empty());
}

TEST_CASE("with several nanoseconds per tick an alarm rings at the first tick at or past its deadline") {
  MachineConfig config;
  config.ns_per_tick = 7;
  Run run({{OpKind::out, port_timer0, 100}}, config);
  run.until(1000);
  CHECK(ticks_of(run.board.trace, "timer0 rings") == Ticks{15});
}

TEST_CASE("an alarm set to now or to the past rings after the instruction") {
  Run run({{OpKind::nop}, {OpKind::out, port_timer0, 0}, {OpKind::nop}, {OpKind::out, port_timer0 + 16, 0}});
  run.until(1000);
  CHECK(ticks_of(run.board.trace, "timer0 rings") == Ticks{2, 4});
}

TEST_CASE("an interrupt is delivered at the boundary after the access that raised it") {
  Run run({{OpKind::sti}, {OpKind::nop}, {OpKind::out, port_timer0, 0}});
  run.until(100);
  // Set at tick 2, rung and delivered at 3.
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{3, false, 0x20}});
}

TEST_CASE("an interrupt waits for IF and for the shadow of STI to end") {
  Run run({{OpKind::out, port_timer0, 0}, {OpKind::nop}, {OpKind::nop}, {OpKind::sti}, {OpKind::nop}, {OpKind::nop}});
  run.until(100);
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{5, false, 0x20}});
}

TEST_CASE("a lowered priority lets a waiting interrupt in at the next boundary") {
  Run run({{OpKind::set_priority, 3},
           {OpKind::sti},
           {OpKind::out, port_timer0, 0},
           {OpKind::nop},
           {OpKind::nop},
           {OpKind::set_priority, 0},
           {OpKind::nop}});
  run.until(100);
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{6, false, 0x20}});
}

TEST_CASE("a fault that retires nothing and opens the window gets its interrupt at the same tick") {
  Run run({{OpKind::out, port_timer0, 0}, {OpKind::nop}, {OpKind::fault, 3}, {OpKind::nop}, {OpKind::nop}});
  run.until(100);
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{2, false, 0x20}});
}

TEST_CASE("an instruction may raise its interrupt, fault, and be interrupted") {
  Run run({{OpKind::touch_fault, 1, port_timer0 + 16}, {OpKind::nop}, {OpKind::nop}});
  run.until(100);
  // The alarm of the faulting instruction at tick 0 rings at tick 1.
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{1, false, 0x20}});
}

TEST_CASE("NMIs wait while one is served, only one waits, and it comes right after the return") {
  Program program;
  program.ops = {{OpKind::out, port_console + 4, 0}, {OpKind::jump, 1}};
  program.nmi_handler = program.ops.size();
  program.ops.push_back({OpKind::jump_odd, program.ops.size() + 4});  // the second time
  program.ops.push_back({OpKind::out, port_console + 4, 0});
  program.ops.push_back({OpKind::out, port_console + 4, 0});
  program.ops.push_back({OpKind::in, port_timer0});
  program.ops.push_back({OpKind::iret_nmi});
  Board board(program);
  board.timer0.alarm();  // its port reads 1 from now on
  QuietSource quiet;
  KeepingSink sink;
  board.machine.run(quiet, sink, {100});
  // Raised at 0, delivered at 1; jump, out, out, in, iret; at 6 the one that waited.
  CHECK(board.engine.deliveries == std::vector<Delivery>{{1, true, 2}, {6, true, 2}});
}

TEST_CASE("a wait that ends at once still ends at the next tick") {
  struct Impatient final : Source {
    std::optional<Arrival> take(Moment now) override {
      visits.push_back(now.tick.value);
      return std::nullopt;
    }
    Tick next_known() const override { return tick_never; }
    Tick horizon() const override { return tick_never; }
    Tick idle(Moment now, Moment) override { return now.tick; }
    Ticks visits;
  } source;
  Run run({{OpKind::hlt}});
  run.until(source, 5);
  CHECK(source.visits == Ticks{0, 1, 2, 3, 4});
}

TEST_CASE("an NMI comes before an interrupt; the interrupt follows when it may") {
  Run run({{OpKind::out, port_timer0, 0}, {OpKind::out, port_console + 4, 0}, {OpKind::sti}, {OpKind::nop}});
  run.until(100);
  // The NMI at 2; its handler takes 2 ticks; sti at 4, shadow until 6.
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{2, true, 2}, {6, false, 0x20}});
}

TEST_CASE("a halted CPU jumps to its alarm and is woken by the interrupt") {
  Run run({{OpKind::sti}, {OpKind::out, port_timer0, 1'000'000'000}, {OpKind::hlt}, {OpKind::out, port_console, 1}});
  run.until(2'000'000'000);
  CHECK(ticks_of(run.board.trace, "timer0 rings") == Ticks{1'000'000'001});
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{1'000'000'001, false, 0x20}});
  REQUIRE(run.sink.effects.size() == 1);
  CHECK(run.sink.effects[0].tick == 1'000'000'004);
  CHECK(run.board.machine.counters().idle_jumps == 1);
}

TEST_CASE("a CPU halted with interrupts off is woken by an NMI but not by an interrupt") {
  Run run({{OpKind::out, port_timer0, 50}, {OpKind::hlt}, {OpKind::out, port_console, 1}});
  CHECK(run.until(1000).reason == EndReason::stop_tick);
  CHECK(run.board.engine.deliveries.empty());
  CHECK(run.board.machine.tick() == Tick{1000});
  run.board.machine.cpu_signals().nmi();
  run.until(2000);
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{1000, true, 2}});
  CHECK(run.sink.effects.size() == 1);
}

TEST_CASE("a machine for which nothing will ever come is dead, and its clock stands") {
  Run run({{OpKind::nop}, {OpKind::hlt}});
  CHECK(run.until(tick_never.value).reason == EndReason::dead);
  CHECK(run.board.machine.tick() == Tick{2});
}

TEST_CASE("an arrival ends an idle wait at its tick") {
  Run run({{OpKind::sti}, {OpKind::hlt}, {OpKind::in, port_console}});
  LogSource log({input({700}, run.board.console_port, {'x'})});
  run.until(log, 703);
  CHECK(run.board.engine.deliveries == std::vector<Delivery>{{700, false, 0x24}});
}

TEST_CASE("arrivals of one tick are taken in their order, before the alarms of that tick") {
  Run run({{OpKind::out, port_timer0, 100}});
  LogSource log({input({100}, run.board.console_port, {1}), input({100}, run.board.console_port, {1, 2}),
                 input({101}, run.board.console_port, {})});
  run.until(log, 200);
  std::vector<std::string> order;
  for (const Event& event : run.board.trace.events) {
    if (event.tick == 100 || event.tick == 101) order.push_back(event.what + " " + std::to_string(event.value));
  }
  CHECK(order ==
        std::vector<std::string>{"arrival 1", "input4 1", "arrival 2", "timer0 rings 1", "input0 1", "arrival 0"});
}

TEST_CASE("advancing the clock makes alarms due at that very tick, and time wraps never") {
  Run run({{OpKind::out, port_timer0, 5000}});
  LogSource log({control({10}, ControlKind::advance_clock, 4000), control({20}, ControlKind::advance_clock, 980),
                 control({30}, ControlKind::advance_clock, ~0ull)});
  run.until(log, 200);
  CHECK(ticks_of(run.board.trace, "timer0 rings") == Ticks{20});
  CHECK(run.board.machine.now().ns == VirtualNs{5180});
  CHECK(run.board.machine.counters().arrivals_dropped == 1);
}

TEST_CASE("arrivals for ports without a taker and oversized ones are dropped and counted") {
  Run run({{OpKind::nop}});
  run.board.machine.make_port("silent");
  LogSource log({input({1}, PortId{2}, {1}), input({1}, PortId{99}, {1}),
                 input({1}, run.board.console_port, std::vector<std::uint8_t>(limits::message_max_bytes + 1))});
  run.until(log, 10);
  CHECK(run.board.machine.counters().arrivals == 3);
  CHECK(run.board.machine.counters().arrivals_dropped == 3);
  CHECK(run.board.trace.events.empty());
}

TEST_CASE("a stop arrival ends the run with its argument") {
  Run run({{OpKind::nop}});
  LogSource log({control({33}, ControlKind::stop, 5)});
  const End end = run.until(log, 100);
  CHECK(end.reason == EndReason::stopped);
  CHECK(end.argument == 5);
  CHECK(run.board.machine.tick() == Tick{33});
}

TEST_CASE("the power button reaches the board") {
  Run run({{OpKind::nop}});
  unsigned presses = 0;
  run.board.machine.set_power_button([&] { ++presses; });
  LogSource log({control({5}, ControlKind::power_button)});
  run.until(log, 10);
  CHECK(presses == 1);
}

TEST_CASE("power-off and debug exit end the run after the instruction; the first request counts") {
  Run off({{OpKind::nop}, {OpKind::out, port_console + 12, 0}});
  CHECK(off.until(100).reason == EndReason::power_off);
  CHECK(off.board.machine.tick() == Tick{2});
  Run debug({{OpKind::out, port_console + 16, 0x42}, {OpKind::out, port_console + 12, 0}});
  const End end = debug.until(100);
  CHECK(end.reason == EndReason::debug_exit);
  CHECK(end.argument == 0x42);
  CHECK(debug.board.machine.tick() == Tick{1});
}

TEST_CASE("a triple fault ends the run, and the machine stays ended") {
  Run run({{OpKind::nop}, {OpKind::triple_fault}});
  CHECK(run.until(100).reason == EndReason::shutdown);
  CHECK(run.until(100).reason == EndReason::shutdown);
}

TEST_CASE("a reset nobody handles ends the run") {
  Run run({{OpKind::out, port_console + 20, 0}});
  CHECK(run.until(100).reason == EndReason::reset);
}

TEST_CASE("a reset resets the devices, then the hook restores the CPU and the run goes on") {
  Run run({{OpKind::in, port_console},
           {OpKind::jump_odd, 4},  // the hook's second life: the console reads 1
           {OpKind::out, port_timer0, 50},
           {OpKind::out, port_console + 20, 0},
           {OpKind::out, port_console, 7}});
  unsigned resets = 0;
  run.board.machine.set_reset_hook([&] {
    CHECK(run.board.machine.tick() == Tick{++resets == 1 ? 4u : 0u});
    CHECK(run.board.machine.cpu().tsc_offset == 0 - 4ull);
    run.board.machine.set_cpu(ToyEngine::start_state());
  });
  // Before the reset the console is empty and reads all ones, which is odd: send 2 first, then 1.
  LogSource log({input({0}, run.board.console_port, {2}), input({4}, run.board.console_port, {1})});
  run.until(log, 100);
  CHECK(resets == 1);
  CHECK(ticks_of(run.board.trace, "timer0 rings").empty());
  REQUIRE(run.sink.effects.size() == 1);
  CHECK(run.sink.effects[0].tick == 6);
}

TEST_CASE("INIT is carried out after the instruction") {
  Run run({{OpKind::clock}, {OpKind::out, port_console + 8, 0}});
  CHECK_NOTHROW(run.until(2));
  CHECK(run.board.machine.cpu().rip == 0xfff0);
}

TEST_CASE("MSRs and CR8 reach the controller, and unknown MSRs fault") {
  Run run({{OpKind::write_msr, 0x800, 77},
           {OpKind::read_msr, 0x800},
           {OpKind::out_acc, port_console},
           {OpKind::read_msr, 0x801},
           {OpKind::out_acc, port_console}});
  run.until(100);
  REQUIRE(run.sink.effects.size() == 2);
  CHECK(run.sink.effects[0].payload == std::vector<std::uint8_t>{77, 0});
  CHECK(run.sink.effects[1].payload == std::vector<std::uint8_t>{0xad, 0x0b});
}

TEST_CASE("a memory-mapped read gets the device's answer with the clock at the instruction") {
  Run run({{OpKind::nop}, {OpKind::nop}, {OpKind::load, mmio_dma}, {OpKind::out_acc, port_console}});
  run.until(100);
  CHECK(run.sink.effects[0].payload == std::vector<std::uint8_t>{3, 0});  // sum 1 + 2 ns
  CHECK(run.sink.effects[0].tick == 3);
}

TEST_CASE("effects of a port are numbered from 0") {
  Run run({{OpKind::out, port_console, 1}, {OpKind::out, port_console, 2}});
  run.until(100);
  REQUIRE(run.sink.effects.size() == 2);
  CHECK(run.sink.effects[0].ordinal == 0);
  CHECK(run.sink.effects[1].ordinal == 1);
  CHECK(run.sink.effects[0].port == run.board.console_port.value);
}

TEST_CASE("digests come at exact multiples while the CPU runs, and once when it goes on after waiting") {
  MachineConfig config;
  config.digest_every_ticks = 100;
  Run run({{OpKind::sti}, {OpKind::out, port_timer0, 1234}, {OpKind::hlt}}, config);
  run.until(1500);
  std::vector<std::uint64_t> ticks;
  for (const SunkDigest& digest : run.sink.digests) ticks.push_back(digest.tick);
  CHECK(ticks == Ticks{0, 1235, 1300, 1400});
}

TEST_CASE("the machine waits for the source's horizon before it visits a tick") {
  Run run({{OpKind::jump, 0}});
  LogSource log({});
  log.horizon_step = 10;
  run.until(log, 1000);
  CHECK(run.board.machine.tick() == Tick{1000});
  CHECK(log.idles >= 100);
}

TEST_CASE("an engine learns of DMA and of cleared dirty bits") {
  Run run({{OpKind::store, mmio_dma, 5}});
  run.until(10);
  CHECK(run.board.engine.writes_told == 1);
  run.board.machine.digest();
  CHECK(run.board.engine.clears_told == 1);
  run.board.machine.drop_caches();
  CHECK(run.board.engine.drops == 1);
}
