// The network card on a bench with a careless guest: besides random register accesses it brings the card up, offers
// descriptors that are mostly sensible, and scribbles over its rings.
#pragma once
#include <optional>

#include "devices/net/e1000.h"
#include "tests/contract/pci/config_window.h"
#include "tests/contract/support/random.h"
#include "tests/contract/support/rig.h"

namespace lockstitch::test {

/// A part of a window, so that random accesses meet registers more often than gaps.
class RegisterGroup final : public RegisterWindow {
 public:
  RegisterGroup(RegisterWindow& whole, std::uint64_t start) : whole_(whole), start_(start) {}
  std::uint64_t read(std::uint64_t offset, unsigned width) override { return whole_.read(start_ + offset, width); }
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override {
    whole_.write(start_ + offset, width, value);
  }

 private:
  RegisterWindow& whole_;
  std::uint64_t start_;
};

class E1000Rig final : public Rig {
 public:
  static constexpr std::array<std::uint8_t, 6> mac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
  static constexpr std::size_t small_memory = 0x8000;
  TestMemory& memory;
  TestLine& line = bench.line();
  E1000 card;
  TestAlarm& alarm = bench.alarm(card);

  explicit E1000Rig(std::size_t memory_size = small_memory)
      : memory(bench.memory(memory_size)), card("net0", mac, memory, bench.clock, line, bench.effects) {
    card.attach(alarm, bench.map(), bench.map());
    windows = {{&config_, 256, 4},
               {&general_, 0x100},
               {&general_, 0x100},
               {&receive_, 0x30},
               {&transmit_, 0x30},
               {&control_, 0x400},
               {&statistics_, 0x100},
               {&filters_, 0x800},
               {&card.registers(), E1000::register_bytes},
               {&card.io(), E1000::io_bytes},
               {&card.io(), 8}};
    arrivals = {&card};
    actions = {[this](std::uint64_t r) { return bring_up(r); },
               [this](std::uint64_t r) { return offer_send(r); },
               [this](std::uint64_t r) { return offer_send(r); },
               [this](std::uint64_t r) { return offer_send(r); },
               [this](std::uint64_t r) { return offer_receive(r); },
               [this](std::uint64_t r) { return arrive(r); },
               [this](std::uint64_t r) { return arrive(r); },
               [this](std::uint64_t r) { return scribble(r); },
               [this](std::uint64_t r) { return manage(r); },
               [this](std::uint64_t r) {
                 if (r % 64 == 0) card.reset();
                 return read(e1000::icr);
               }};
  }

  Device& device() override { return card; }

  std::uint32_t read(std::uint32_t at) { return static_cast<std::uint32_t>(card.registers().read(at, 4)); }
  void write(std::uint32_t at, std::uint32_t value) { card.registers().write(at, 4, value); }

 private:
  static constexpr unsigned entries = 16, send_ring = 0x0000, receive_ring = 0x1000, data_start = 0x2000;

  void put(Gpa gpa, unsigned width, std::uint64_t value) {
    for (unsigned i = 0; i < width; ++i)
      memory.ram[(gpa + i) % memory.ram.size()] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  std::uint64_t bring_up(std::uint64_t r) {
    Random random(r);
    card.write_config(0x04, 2, random.one_in(8) ? 0x0406 : 0x0007);
    write(e1000::ctrl, 0x41 | (random.one_in(2) ? e1000::ctrl_vme : 0));
    write(e1000::tdbal, send_ring);
    write(e1000::tdbah, 0);
    write(e1000::tdlen, entries * 16);
    write(e1000::tdh, 0);
    write(e1000::tdt, 0);
    write(e1000::rdbal, receive_ring);
    write(e1000::rdbah, 0);
    write(e1000::rdlen, entries * 16);
    write(e1000::rdh, 0);
    write(e1000::rdt, 0);
    write(e1000::rdtr, random.one_in(2) ? 0 : static_cast<std::uint32_t>(random.below(100)));
    write(e1000::radv, static_cast<std::uint32_t>(random.below(100)));
    write(e1000::tidv, static_cast<std::uint32_t>(random.below(100)));
    write(e1000::tadv, static_cast<std::uint32_t>(random.below(100)));
    write(e1000::itr, static_cast<std::uint32_t>(random.below(2000)));
    write(e1000::rxcsum, static_cast<std::uint32_t>(random.below(0x800)));
    write(e1000::ims, 0x1ffff);
    write(e1000::tctl, random.one_in(2) ? 0x0a : 0x02);
    write(e1000::rctl, 0x801a | (static_cast<std::uint32_t>(random.next()) & 0x0603'3300));
    return read(e1000::status);
  }

  std::uint64_t offer_send(std::uint64_t r) {
    Random random(r);
    if (!(read(e1000::tctl) & 2) && !random.one_in(4)) bring_up(r);
    unsigned tail = read(e1000::tdt) % entries;
    const auto count = random.below(4) + 1;
    for (std::uint64_t i = 0; i < count; ++i) {
      const Gpa at = send_ring + 16 * tail;
      const bool end = i + 1 == count || random.one_in(3);
      std::uint64_t command = (end ? 0x01u : 0u) | 0x02u | (random.one_in(4) ? 0u : 0x08u) |
                              (random.one_in(3) ? 0x80u : 0u) | (random.one_in(4) ? 0x40u : 0u);
      std::uint64_t address = data_start + random.below(0x4000);
      std::uint64_t rest = random.one_in(4) ? random.below(4000) : 20 + random.below(200);
      switch (random.below(4)) {
        case 0:  // context
          address = 14 | 24 << 8 | 33 << 16 | std::uint64_t{34} << 32 | std::uint64_t{50} << 40;
          if (random.one_in(4)) address ^= random.next();
          command = 0x20u | random.below(16);
          rest = random.below(4000) | (random.one_in(8) ? random.below(256) : 54) << 40 |
                 (random.one_in(8) ? random.below(4) : random.below(1600)) << 48;
          break;
        case 1:  // legacy with a checksum
          rest |= random.below(256) << 16 | random.below(64) << 40;
          command |= random.below(2) << 2;
          break;
        default:
          command |= 0x20u | (random.one_in(2) ? 0x04u : 0u);
          rest |= 1u << 20 | random.below(4) << 40 | random.below(0x1'0000) << 48;
          break;
      }
      put(at, 8, random.one_in(64) ? random.next() : address);
      put(at + 8, 8, random.one_in(64) ? random.next() : rest | command << 24);
      tail = (tail + 1) % entries;
    }
    write(e1000::tdt, tail);
    if (random.one_in(2)) bench.advance(random.below(200'000));
    return read(e1000::tdh);
  }

  std::uint64_t offer_receive(std::uint64_t r) {
    Random random(r);
    if (!(read(e1000::rctl) & 2) && !random.one_in(4)) bring_up(r);
    for (unsigned i = 0; i < entries; ++i) {
      put(receive_ring + 16 * i, 8, random.one_in(64) ? random.next() : random.one_in(16) ? 0 : 0x6000 + 0x200 * i);
      put(receive_ring + 16 * i + 8, 8, 0);
    }
    write(e1000::rdt, static_cast<std::uint32_t>(random.below(entries + 1)));
    return read(e1000::rdh);
  }

  std::uint64_t arrive(std::uint64_t r) {
    Random random(r);
    std::vector<std::uint8_t> frame(14 + random.below(random.one_in(2) ? 100 : 1510));
    for (auto& byte : frame) byte = static_cast<std::uint8_t>(random.next());
    std::copy(mac.begin(), mac.end(), frame.begin());
    if (random.one_in(2)) {
      frame[12] = random.one_in(2) ? 0x08 : 0x81;
      frame[13] = 0;
    }
    card.arrive(frame);
    return read(e1000::rdh);
  }

  std::uint64_t manage(std::uint64_t r) {
    Random random(r);
    const auto index = static_cast<std::uint32_t>(random.below(32));
    write(e1000::mdic, (random.one_in(2) ? 1u : 2u) << 26 | 1u << 21 | index << 16 |
                           static_cast<std::uint32_t>(random.below(0x1'0000)));
    for (unsigned i = 0; i < 24; ++i) write(e1000::eecd, 2 | static_cast<std::uint32_t>(random.below(8)));
    return std::uint64_t{read(e1000::eecd)} << 32 | read(e1000::mdic);
  }

  std::uint64_t scribble(std::uint64_t r) {
    put((r >> 8) % data_start, 1, r);
    return 0;
  }

  ConfigWindow config_{card};
  RegisterGroup general_{card.registers(), 0x0000}, control_{card.registers(), 0x0100},
      receive_{card.registers(), 0x2800}, transmit_{card.registers(), 0x3800}, statistics_{card.registers(), 0x4000},
      filters_{card.registers(), 0x5000};
};

}  // namespace lockstitch::test
