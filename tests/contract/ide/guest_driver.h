// What firmware and operating systems do with an IDE channel, as short functions: select, command, wait by status or by
// interrupt, move data by the port or by the bus master.
#pragma once
#include <doctest/doctest.h>

#include <initializer_list>
#include <utility>
#include <vector>

#include "tests/contract/ide/ide_rigs.h"

namespace lockstitch::test {

using Data = std::vector<std::uint8_t>;

class GuestDriver {
 public:
  static constexpr Gpa table = 0x100;
  static constexpr std::uint8_t busy = 0x80, ready = 0x40, request = 0x08, error = 0x01;

  GuestDriver(IdeRig& rig, unsigned channel, unsigned unit = 0) : rig_(rig), channel_(channel), unit_(unit) {
    rig_.it.write_config(4, 2, 5);
    select();
  }

  std::uint8_t in(unsigned port) { return static_cast<std::uint8_t>(ports().read(port, 1)); }
  void out(unsigned port, std::uint64_t value) { ports().write(port, 1, value); }
  std::uint8_t alternate_status() { return static_cast<std::uint8_t>(control().read(0, 1)); }
  void set_control(std::uint8_t value) { control().write(0, 1, value); }
  std::uint8_t in_master(unsigned offset) {
    return static_cast<std::uint8_t>(rig_.it.bus_master().read(8 * channel_ + offset, 1));
  }
  void out_master(unsigned offset, unsigned width, std::uint64_t value) {
    rig_.it.bus_master().write(8 * channel_ + offset, width, value);
  }
  bool line() const { return rig_.lines[channel_]->level; }

  void select(std::uint8_t bits = 0) { out(6, 0xa0 | bits | unit_ << 4); }
  void reset() {
    set_control(0x0e);
    rig_.bench.advance(5'000);
    set_control(0x08);
    rig_.bench.advance(10'000);
    select();
  }

  /// Waits without looking: returns the ns until the wire rose. Clears the interrupt and keeps the status.
  std::uint64_t wait_interrupt(std::uint64_t limit_ns = 1'000'000'000) {
    std::uint64_t waited = 0;
    for (std::uint64_t step = 100; !line() && waited < limit_ns; waited += step) rig_.bench.advance(step);
    REQUIRE(line());
    status = in(7);
    CHECK_FALSE(line());
    return waited;
  }
  /// As a BIOS does. Returns how often it looked.
  unsigned wait_status() {
    unsigned looks = 1;
    for (; (alternate_status() & busy) && looks < 100'000; ++looks) rig_.bench.advance(100);
    status = in(7);
    REQUIRE_EQ(status & busy, 0);
    return looks;
  }

  void address(std::uint64_t sector, unsigned count) {
    select(0x40 | (sector >> 24 & 0x0f));
    out(2, count & 0xff);
    for (unsigned i = 0; i < 3; ++i) out(3 + i, sector >> (8 * i) & 0xff);
  }
  void wide_address(std::uint64_t sector, unsigned count) {
    select(0x40);
    out(2, count >> 8);
    for (unsigned i = 0; i < 3; ++i) out(3 + i, sector >> (24 + 8 * i) & 0xff);
    out(2, count & 0xff);
    for (unsigned i = 0; i < 3; ++i) out(3 + i, sector >> (8 * i) & 0xff);
  }
  void command(std::uint8_t code) { out(7, code); }
  /// A command without data; returns the status.
  std::uint8_t simple(std::uint8_t code) {
    command(code);
    CHECK_EQ(alternate_status() & busy, busy);
    wait_interrupt();
    return status;
  }

  Data take(std::size_t bytes, unsigned width = 2) {
    Data data;
    while (data.size() < bytes) {
      const std::uint64_t value = ports().read(0, width);
      for (unsigned i = 0; i < width && data.size() < bytes; ++i)
        data.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    return data;
  }
  void give(Bytes data, unsigned width = 2) {
    for (std::size_t i = 0; i < data.size(); i += width) {
      std::uint64_t value = 0;
      for (unsigned k = 0; k < width && i + k < data.size(); ++k) value |= std::uint64_t{data[i + k]} << (8 * k);
      ports().write(0, width, value);
    }
  }
  /// Reads blocks as each interrupt announces one.
  Data read_by_interrupts(std::size_t bytes, std::size_t block) {
    Data all;
    while (all.size() < bytes) {
      wait_interrupt();
      REQUIRE_EQ(status & (busy | request | error), request);
      const Data part = take(std::min(block, bytes - all.size()));
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
  Data read_by_polling(std::size_t bytes, std::size_t block) {
    Data all;
    while (all.size() < bytes) {
      wait_status();
      REQUIRE_EQ(status & (busy | request | error), request);
      const Data part = take(std::min(block, bytes - all.size()), 4);
      all.insert(all.end(), part.begin(), part.end());
    }
    return all;
  }
  void write_by_interrupts(Bytes data, std::size_t block) {
    wait_status();
    for (std::size_t at = 0; at < data.size(); at += block) {
      REQUIRE_EQ(alternate_status() & (busy | request | error), request);
      give(data.subspan(at, std::min(block, data.size() - at)));
      wait_interrupt();
    }
    CHECK_EQ(status & (busy | request | error), 0);
  }

  // The bus master.
  void set_table(std::initializer_list<std::pair<Gpa, unsigned>> regions, bool ends = true) {
    Gpa at = table;
    std::size_t index = 0;
    for (const auto& [address, bytes] : regions) {
      const std::uint32_t last = ends && ++index == regions.size() ? 0x8000'0000 : 0;
      put(at, static_cast<std::uint32_t>(address));
      put(at + 4, (bytes & 0xffff) | last);
      at += 8;
    }
    out_master(4, 4, table);
    out_master(2, 1, in_master(2) | 0x06);
  }
  void start_master(bool to_memory) {
    out_master(0, 1, to_memory ? 8 : 0);
    out_master(0, 1, to_memory ? 9 : 1);
  }
  /// As an interrupt handler does: status of the bus master, stop, clear, status of the drive.
  std::uint8_t end_dma() {
    const std::uint8_t outcome = in_master(2);
    out_master(0, 1, 0);
    out_master(2, 1, 0x06);
    status = in(7);
    return outcome;
  }

  // Packets.
  /// By the port. Returns what came; status and reason are left for inspection.
  Data packet(std::initializer_list<unsigned> bytes, unsigned limit = 0xfffe) {
    select();
    out(1, 0);
    out(4, limit & 0xff);
    out(5, limit >> 8);
    give_packet(bytes);
    Data all;
    blocks.clear();
    for (;;) {
      wait_interrupt();
      if (!(status & request)) break;
      REQUIRE_EQ(in(2) & 3, 2);
      const unsigned count = in(4) | in(5) << 8;
      REQUIRE_GT(count, 0);
      blocks.push_back(count);
      const Data part = take(count);
      all.insert(all.end(), part.begin(), part.end());
      REQUIRE_LT(blocks.size(), 10'000);
    }
    CHECK_EQ(in(2) & 3, 3);
    return all;
  }
  void give_packet(std::initializer_list<unsigned> bytes) {
    command(0xa0);
    wait_status();
    REQUIRE_EQ(status & (busy | request | error), request);
    REQUIRE_EQ(in(2) & 3, 1);
    CHECK_FALSE(line());
    Data packet;
    for (unsigned byte : bytes) packet.push_back(static_cast<std::uint8_t>(byte));
    packet.resize(12);
    give(packet);
  }
  bool failed() const { return status & error; }
  /// REQUEST SENSE as one number, key << 16 | code << 8 | qualifier.
  unsigned sense() {
    const Data data = packet({0x03, 0, 0, 0, 18});
    REQUIRE_EQ(data.size(), 18);
    CHECK_EQ(data[0], 0x70);
    return static_cast<unsigned>(data[2] << 16 | data[12] << 8 | data[13]);
  }

  std::uint8_t status = 0;
  std::vector<unsigned> blocks;  ///< of the last packet by the port

 private:
  RegisterWindow& ports() { return rig_.it.task_file(channel_); }
  RegisterWindow& control() { return rig_.it.control(channel_); }
  void put(Gpa gpa, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) rig_.memory.ram[gpa + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  IdeRig& rig_;
  unsigned channel_, unit_;
};

inline unsigned word_of(const Data& data, unsigned index) { return data[2 * index] | data[2 * index + 1] << 8; }

/// A text of an identity: the first character is the high byte of a word.
inline std::string text_of(const Data& data, unsigned first, unsigned words) {
  std::string text;
  for (unsigned i = first; i < first + words; ++i) {
    text += static_cast<char>(data[2 * i + 1]);
    text += static_cast<char>(data[2 * i]);
  }
  return text;
}

inline Data part_of(const TestMemory& memory, std::size_t at, std::size_t bytes) {
  return {memory.ram.begin() + static_cast<std::ptrdiff_t>(at),
          memory.ram.begin() + static_cast<std::ptrdiff_t>(at + bytes)};
}

inline Data pattern(std::size_t bytes, unsigned salt) {
  Data data(bytes);
  for (std::size_t i = 0; i < bytes; ++i) data[i] = static_cast<std::uint8_t>(i * 13 + i / 512 * 7 + salt);
  return data;
}

}  // namespace lockstitch::test
