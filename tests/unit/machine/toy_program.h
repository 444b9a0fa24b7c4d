// Random programs for the toy CPU that use every device, halt, fault and take interrupts.
#pragma once
#include <random>

#include "tests/unit/machine/toy_board.h"

namespace lockstitch::toy {

using Random = std::mt19937_64;

inline Op random_op(Random& random) {
  switch (random() % 30) {
    case 0:
      return {OpKind::sti};
    case 1:
      return {OpKind::sti};
    case 2:
      return {OpKind::cli};
    case 3:
      return {OpKind::hlt};
    case 4:
      return {OpKind::out, port_timer0, random() % 4 == 0 ? 0 : random() % 400};
    case 5:
      return {OpKind::out, port_timer1, random() % 900};
    case 6:
      return {OpKind::out, port_timer0 + 8, 0};
    case 7:
      return {OpKind::out, port_timer1 + 12, random() % 3 == 0 ? 0 : 50 + random() % 300};
    case 8:
      return {OpKind::out, port_timer0 + 16, 0};
    case 9:
      return {OpKind::in, port_timer0};
    case 10:
      return {OpKind::in, port_console};
    case 11:
      return {OpKind::out_acc, port_console};
    case 12:
      return {OpKind::load, mmio_dma};
    case 13:
      return {OpKind::store, mmio_dma, random() % 1000};
    case 14:
      return {OpKind::copy, mmio_dma, port_timer1};
    case 15:
      return {OpKind::clock};
    case 16:
      return {OpKind::set_priority, random() % 3};
    case 17:
      return {OpKind::out, port_console + 4, 0};
    case 18:
      return {OpKind::write_msr, 0x800, random() % 100};
    case 19:
      return {OpKind::read_msr, 0x800 + random() % 2};
    case 20:
      return {OpKind::out, port_timer1 + 20, 0};
    case 21:
      return {OpKind::copy, mmio_dma, port_timer0 + 4 * (random() % 6)};
    case 22:
      return {OpKind::out, port_console + 24, random() & 1};
    case 23:
      return {OpKind::load, dma_places[1]};
    default:
      return {OpKind::nop};
  }
}

/// A main loop of random ops, with faults and forward jumps; a handler that serves every device and one for NMIs.
inline Program random_program(Random& random) {
  Program program;
  auto& ops = program.ops;
  const std::size_t main_length = 20 + random() % 40;
  for (std::size_t i = 0; i < main_length; ++i) {
    const std::uint64_t ahead = i + 1 + random() % 3;
    const unsigned choice = random() % 20;
    if (choice == 0 && ahead < main_length) {
      ops.push_back({OpKind::jump_odd, ahead});
    } else if (choice == 1 && ahead < main_length) {
      ops.push_back({OpKind::fault, ahead});
    } else if (choice == 2 && ahead < main_length) {
      ops.push_back({OpKind::touch_fault, ahead, std::uint64_t{port_timer0} + 4 * (random() % 6)});
    } else {
      ops.push_back(random_op(random));
    }
  }
  // A program that halts for good with interrupts off would test little.
  ops.push_back({OpKind::set_priority, 0});
  ops.push_back({OpKind::out, port_timer1, 200});
  ops.push_back({OpKind::sti});
  ops.push_back({OpKind::jump, 0});
  program.interrupt_handler = ops.size();
  for (unsigned i = random() % 4; i > 0; --i) ops.push_back({OpKind::nop});
  ops.push_back({OpKind::out, port_timer0 + 4, 0});
  ops.push_back({OpKind::out, port_timer1 + 4, 0});
  ops.push_back({OpKind::in, port_console});
  ops.push_back({OpKind::out_acc, port_console});
  ops.push_back({OpKind::out, port_controller, 0});
  ops.push_back({OpKind::iret});
  program.nmi_handler = ops.size();
  ops.push_back({OpKind::clock});
  if (random() % 2 == 0) {
    // Another NMI while this one is served, for every other value of the clock.
    ops.push_back({OpKind::jump_odd, ops.size() + 2});
    ops.push_back({OpKind::out, port_console + 4, 0});
  }
  ops.push_back({OpKind::iret_nmi});
  return program;
}

}  // namespace lockstitch::toy
