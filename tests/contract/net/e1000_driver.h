// A small driver on the guest's side of the network card: finds and sets it up as operating systems do, reads its
// EEPROM bit by bit, talks to its PHY, keeps a ring in each direction. For tests that make claims.
#pragma once
#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "tests/contract/net/e1000_rig.h"

namespace lockstitch::test {

class E1000Driver {
 public:
  using Frame = std::vector<std::uint8_t>;
  struct Received {
    Frame bytes;
    std::uint8_t status = 0, errors = 0;
    std::uint16_t tag = 0;
    unsigned buffers = 0;
  };
  // Bits of descriptors.
  static constexpr std::uint64_t end = 1ull << 24, insert_fcs = 1ull << 25, legacy_sum = 1ull << 26,
                                 segment = 1ull << 26, report = 1ull << 27, extended = 1ull << 29, tag = 1ull << 30,
                                 delay = 1ull << 31, data_type = 1ull << 20, ip_sum = 1ull << 40,
                                 transport_sum = 1ull << 41, done = 1ull << 32;
  static constexpr std::uint64_t context_tcp = 1ull << 24, context_ipv4 = 1ull << 25, context_segment = 1ull << 26;
  static constexpr unsigned entries = 64;
  static constexpr Gpa send_ring = 0x1000, receive_ring = 0x2000, receive_buffers = 0x1'0000, heap = 0x8'0000;
  static constexpr std::size_t memory_bytes = 0x20'0000;
  static constexpr std::uint32_t receive_control = e1000::rctl_en | e1000::rctl_bam | e1000::rctl_secrc;

  E1000Rig rig{memory_bytes};

  std::uint32_t read(std::uint32_t at) { return rig.read(at); }
  void write(std::uint32_t at, std::uint32_t value) { rig.write(at, value); }
  std::uint32_t set(std::uint32_t at, std::uint32_t bits) {
    write(at, read(at) | bits);
    return read(at);
  }

  std::uint16_t phy_read(std::uint32_t index) {
    write(e1000::mdic, 2u << 26 | 1u << 21 | index << 16);
    const std::uint32_t answer = read(e1000::mdic);
    CHECK_EQ(answer >> 28 & 5, 1);
    return static_cast<std::uint16_t>(answer);
  }
  void phy_write(std::uint32_t index, std::uint16_t value) {
    write(e1000::mdic, 1u << 26 | 1u << 21 | index << 16 | value);
    CHECK_EQ(read(e1000::mdic) >> 28 & 5, 1);
  }

  /// Words from `first` on, in one read command.
  std::vector<std::uint16_t> eeprom(unsigned first, unsigned count) {
    constexpr std::uint32_t sk = 1, cs = 2, di = 4, out = 8, request = 0x40, grant = 0x80;
    std::uint32_t pins = set(e1000::eecd, request) & (request | 0x37);
    CHECK_NE(read(e1000::eecd) & grant, 0);
    auto drive = [&](std::uint32_t clear, std::uint32_t raise) {
      pins = (pins & ~clear) | raise;
      write(e1000::eecd, pins);
    };
    drive(sk | di, 0);
    drive(0, cs);
    const unsigned command = 6u << 6 | first;
    for (unsigned bit = 9; bit-- > 0;) {
      drive(di, command >> bit & 1 ? di : 0);
      drive(0, sk);
      drive(sk, 0);
    }
    CHECK_EQ(read(e1000::eecd) & out, 0);
    std::vector<std::uint16_t> words;
    for (unsigned i = 0; i < count; ++i) {
      unsigned word = 0;
      for (unsigned bit = 0; bit < 16; ++bit) {
        drive(0, sk);
        word = word << 1 | (read(e1000::eecd) & out ? 1u : 0u);
        drive(sk, 0);
      }
      words.push_back(static_cast<std::uint16_t>(word));
    }
    drive(cs | sk, 0);
    drive(request, 0);
    return words;
  }

  /// PCI, reset, PHY, link.
  void start_link() {
    rig.card.write_config(0x10, 4, 0xfebc'0000);
    rig.card.write_config(0x14, 4, 0xc000);
    rig.card.write_config(0x04, 2, 0x0007);
    write(e1000::imc, ~0u);
    write(e1000::rctl, 0);
    write(e1000::tctl, e1000::tctl_psp);
    rig.bench.advance(10'000'000);
    rig.card.io().write(0, 4, e1000::ctrl);
    rig.card.io().write(4, 4, read(e1000::ctrl) | e1000::ctrl_rst);
    rig.bench.advance(5'000'000);
    write(e1000::imc, ~0u);
    read(e1000::icr);
    set(e1000::ctrl, 0x40);
    phy_write(9, 0x0300);
    phy_write(4, 0x0de1);
    phy_write(0, 0x1200);
    rig.bench.advance(E1000Phy::negotiation_ns);
    CHECK_NE(read(e1000::status) & 2, 0);
  }
  /// And the rings, interrupts on.
  void start(std::uint32_t receive = receive_control, unsigned buffers = entries - 1) {
    start_link();
    write(e1000::tdbal, send_ring);
    write(e1000::tdbah, 0);
    write(e1000::tdlen, entries * 16);
    write(e1000::tdh, 0);
    write(e1000::tdt, 0);
    write(e1000::tctl, e1000::tctl_en | e1000::tctl_psp);
    write(e1000::rdbal, receive_ring);
    write(e1000::rdbah, 0);
    write(e1000::rdlen, entries * 16);
    write(e1000::rdh, 0);
    write(e1000::rdt, 0);
    write(e1000::rctl, receive);
    for (unsigned i = 0; i < entries; ++i) {
      put(receive_ring + 16 * i, 8, receive_buffers + 0x800 * i);
      put(receive_ring + 16 * i + 8, 8, 0);
    }
    write(e1000::rdt, buffers);
    read(e1000::icr);
    write(e1000::ims, 0x9d);
  }

  void put(Gpa gpa, unsigned width, std::uint64_t value) {
    for (unsigned i = 0; i < width; ++i) rig.memory.ram[gpa + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  std::uint64_t get(Gpa gpa, unsigned width) const {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{rig.memory.ram[gpa + i]} << (8 * i);
    return value;
  }
  Gpa place(const Frame& bytes) {
    const Gpa at = next_place_;
    std::copy(bytes.begin(), bytes.end(), rig.memory.ram.begin() + static_cast<std::ptrdiff_t>(at));
    next_place_ += (bytes.size() + 63) & ~std::size_t{63};
    return at;
  }

  /// Appends a descriptor; the card knows when doorbell() rings. Returns where it stands.
  Gpa add(std::uint64_t address, std::uint64_t rest) {
    const Gpa at = send_ring + 16 * send_tail_;
    put(at, 8, address);
    put(at + 8, 8, rest);
    send_tail_ = (send_tail_ + 1) % entries;
    return at;
  }
  void doorbell() { write(e1000::tdt, send_tail_); }
  bool reported(Gpa descriptor) const { return get(descriptor + 8, 8) & done; }
  Gpa send(const Frame& frame, std::uint64_t more = 0) {
    const Gpa at = add(place(frame), frame.size() | end | insert_fcs | report | more);
    doorbell();
    return at;
  }
  Gpa add_data(const Frame& bytes, std::uint64_t more) {
    return add(place(bytes), bytes.size() | data_type | extended | insert_fcs | report | more);
  }
  struct Offsets {
    std::uint64_t ip_start = 14, ip_sum = 24, ip_end = 33, start = 34, sum = 50, end = 0;
  };
  void add_context(std::uint64_t command, const Offsets& o, std::uint64_t payload = 0, std::uint64_t header = 0,
                   std::uint64_t segment_bytes = 0) {
    add(o.ip_start | o.ip_sum << 8 | o.ip_end << 16 | o.start << 32 | o.sum << 40 | o.end << 48,
        payload | command | extended | header << 40 | segment_bytes << 48);
  }

  const std::vector<Frame>& wire() const { return rig.bench.effects.messages; }

  /// Takes every complete frame out of the ring. Does not give the buffers back.
  std::vector<Received> receive() {
    std::vector<Received> frames;
    Received frame;
    for (;;) {
      const Gpa at = receive_ring + 16 * receive_head_;
      const std::uint64_t rest = get(at + 8, 8);
      if (!(rest & done)) return frames;
      const auto from = rig.memory.ram.begin() + static_cast<std::ptrdiff_t>(get(at, 8));
      frame.bytes.insert(frame.bytes.end(), from, from + static_cast<std::ptrdiff_t>(rest & 0xffff));
      ++frame.buffers;
      put(at + 8, 8, 0);
      receive_head_ = (receive_head_ + 1) % entries;
      if (!(rest & done << 1)) continue;
      frame.status = static_cast<std::uint8_t>(rest >> 32);
      frame.errors = static_cast<std::uint8_t>(rest >> 40);
      frame.tag = static_cast<std::uint16_t>(rest >> 48);
      frames.push_back(std::exchange(frame, {}));
    }
  }

 private:
  unsigned send_tail_ = 0, receive_head_ = 0;
  Gpa next_place_ = heap;
};

}  // namespace lockstitch::test
