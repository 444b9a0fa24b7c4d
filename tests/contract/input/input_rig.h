// The keyboard controller on its bench, for the contract suite and the fuzz target, and with what a guest's driver does
// for the claims.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "devices/input/keyboard_controller.h"
#include "tests/contract/support/rig.h"

namespace lockstitch::test {

struct InputRig : Rig {
  TestLine& irq1 = bench.line();
  TestLine& irq12 = bench.line();
  KeyboardController it{"i8042", irq1, irq12, bench.clock, bench.power};
  TestAlarm& alarm = bench.alarm(it.pacing());
  InputRig() {
    it.attach(alarm);
    windows = {{&it.data(), 1}, {&it.command(), 1}};
    arrivals = {&it.keyboard(), &it.mouse()};
    actions = {[this](std::uint64_t r) {  // keys that exist, mostly
                 std::vector<std::uint8_t> payload;
                 for (unsigned i = 0; i < (r >> 32 & 31); ++i) {
                   payload.push_back(static_cast<std::uint8_t>((r >> i) % 130));
                   payload.push_back(static_cast<std::uint8_t>(r >> (40 + i % 16) & 0x80));
                 }
                 it.keyboard().arrive(payload);
                 return std::uint64_t{irq1.level};
               },
               [this](std::uint64_t r) {  // a device command with its parameter, to the keyboard or the mouse
                 static constexpr std::array<std::uint8_t, 32> known = {
                     0xed, 0xee, 0xf0, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe,
                     0xff, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xee, 0xf0, 0xf2, 0xf3, 0xf4, 0xf4, 0xf4, 0xe1};
                 const std::uint8_t command = known[r & 31];
                 for (std::uint64_t byte : {std::uint64_t{command}, r >> 8 & 0xff}) {
                   if (r & 0x1'0000) it.command().write(0, 1, 0xd4);
                   it.data().write(0, 1, byte);
                   if (command != 0xed && command != 0xf0 && command != 0xf3 && command != 0xe8) break;
                 }
                 return it.command().read(0, 1);
               },
               [this](std::uint64_t r) {  // a knock at the mouse: two of the three words are in it
                 static constexpr std::array<std::uint8_t, 3> rates = {200, 100, 80};
                 for (std::uint8_t rate : {rates[0], rates[r % 2], rates[2]})
                   for (std::uint8_t byte : {std::uint8_t{0xf3}, rate}) {
                     it.command().write(0, 1, 0xd4);
                     it.data().write(0, 1, byte);
                   }
                 return it.data().read(0, 1);
               },
               [this](std::uint64_t r) {  // a working command byte
                 it.command().write(0, 1, 0x60);
                 it.data().write(0, 1, (r & 0x40) | 3);
                 return it.command().read(0, 1);
               },
               [this](std::uint64_t) {  // an interrupt routine
                 bench.advance(KeyboardController::slow_byte_ns);
                 const std::uint64_t status = it.command().read(0, 1);
                 return status & 1 ? status << 8 | it.data().read(0, 1) : status << 8;
               }};
  }
  Device& device() override { return it; }

  std::uint64_t counters() const {
    return it.keyboard_device().ignored_units() + it.keyboard_device().dropped_units() +
           it.mouse_device().ignored_bytes() + it.mouse_device().dropped_samples();
  }
};

/// A guest that polls: every wait is bounded, as in real drivers.
struct Guest : InputRig {
  static constexpr std::uint8_t full = 1, busy = 2, from_mouse = 0x20;
  static constexpr std::uint64_t poll_ns = 10'000;
  static constexpr int polls = 2000;

  std::uint8_t status() { return static_cast<std::uint8_t>(it.command().read(0, 1)); }
  std::uint8_t in() { return static_cast<std::uint8_t>(it.data().read(0, 1)); }
  bool wait(std::uint8_t mask, std::uint8_t value) {
    for (int i = 0; i < polls; ++i) {
      if ((status() & mask) == value) return true;
      bench.advance(poll_ns);
    }
    return false;
  }
  void command(std::uint8_t value) {
    wait(busy, 0);
    it.command().write(0, 1, value);
  }
  void command(std::uint8_t value, std::uint8_t parameter) {
    command(value);
    out(parameter);
  }
  void out(std::uint8_t value) {
    wait(busy, 0);
    it.data().write(0, 1, value);
  }
  void to_mouse(std::uint8_t value) { command(0xd4, value); }
  /// The next byte, or -1 if none comes; with 200h if it is the mouse's.
  int next() {
    if (!wait(full, full)) return -1;
    const int mouse = status() & from_mouse ? 0x200 : 0;
    return in() | mouse;
  }
  std::uint8_t ask(std::uint8_t value) {
    command(value);
    return static_cast<std::uint8_t>(next());
  }
  /// All bytes that come, until none comes for a while; the mouse's with 200h.
  std::vector<int> all() {
    std::vector<int> bytes;
    for (int byte = next(); byte >= 0; byte = next()) bytes.push_back(byte);
    return bytes;
  }
  /// A command to the keyboard with its answers.
  std::vector<int> keyboard(std::initializer_list<std::uint8_t> bytes) {
    std::vector<int> answers;
    for (std::uint8_t byte : bytes) {
      out(byte);
      for (int got : all()) answers.push_back(got);
    }
    return answers;
  }
  /// The same for the mouse; its mark is taken off.
  std::vector<int> mouse(std::initializer_list<std::uint8_t> bytes) {
    std::vector<int> answers;
    for (std::uint8_t byte : bytes) {
      to_mouse(byte);
      for (int got : all()) answers.push_back(got ^ 0x200);
    }
    return answers;
  }
  void set_command_byte(std::uint8_t value) { command(0x60, value); }

  void press(std::uint16_t key, bool released = false) {
    const std::uint8_t unit[] = {static_cast<std::uint8_t>(key),
                                 static_cast<std::uint8_t>(key >> 8 | (released ? 0x80 : 0))};
    it.keyboard().arrive(unit);
  }
  void release(std::uint16_t key) { press(key, true); }
  void move(int dx, int dy, int wheel = 0, std::uint8_t buttons = 0) {
    const std::uint8_t report[] = {static_cast<std::uint8_t>(dx),    static_cast<std::uint8_t>(dx >> 8),
                                   static_cast<std::uint8_t>(dy),    static_cast<std::uint8_t>(dy >> 8),
                                   static_cast<std::uint8_t>(wheel), buttons};
    it.mouse().arrive(report);
  }
};

using List = std::vector<int>;

}  // namespace lockstitch::test
