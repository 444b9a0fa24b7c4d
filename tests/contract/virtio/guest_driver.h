// A small driver on the guest's side: brings a virtio-pci function up as an operating system does and builds rings in
// guest memory. For tests that make claims; it does what it is told, also when that is wrong.
#pragma once
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "devices/virtio/virtio_pci.h"
#include "tests/contract/support/bench.h"

namespace lockstitch::test {

class GuestDriver {
 public:
  struct Buffer {
    Gpa gpa;
    std::uint32_t bytes;
    bool writable = false;
  };
  struct Used {
    std::uint32_t head, bytes;
    friend bool operator==(const Used&, const Used&) = default;
  };
  static constexpr std::uint64_t version_1 = 1ull << 32, indirect = 1ull << 28;
  static constexpr std::uint8_t ok_status = 0x0f, needs_reset = 0x40;

  GuestDriver(VirtioPci& pci, TestMemory& memory) : pci_(pci), memory_(memory) {}

  // Registers.
  std::uint64_t read(std::uint64_t offset, unsigned width) {
    return pci_.registers().read(offset, width) & ones(width);
  }
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) {
    pci_.registers().write(offset, width, value);
  }
  std::uint8_t status() { return static_cast<std::uint8_t>(read(0x14, 1)); }
  std::uint8_t isr() { return static_cast<std::uint8_t>(read(0x1000, 1)); }
  std::uint64_t offered() {
    write(0x00, 4, 1);
    const std::uint64_t high = read(0x04, 4);
    write(0x00, 4, 0);
    return high << 32 | read(0x04, 4);
  }

  /// Everything up to FEATURES_OK; returns the status read back.
  std::uint8_t negotiate(std::uint64_t features) {
    pci_.write_config(0x04, 2, 0x0006);
    write(0x14, 1, 0);
    write(0x14, 1, 1);
    write(0x14, 1, 3);
    for (unsigned i = 0; i < 2; ++i) {
      write(0x08, 4, i);
      write(0x0c, 4, static_cast<std::uint32_t>(features >> (32 * i)));
    }
    write(0x14, 1, 0x0b);
    return status();
  }
  void start(std::uint64_t features, std::uint16_t queue_size = 8) {
    REQUIRE_EQ(negotiate(features), 0x0b);
    const auto count = static_cast<unsigned>(read(0x12, 2));
    queues_.assign(count, {});
    for (unsigned i = 0; i < count; ++i) {
      Queue& q = queues_[i];
      q.size = queue_size;
      q.descriptors = allocate(16 * queue_size, 16);
      q.available = allocate(4 + 2 * queue_size, 2);
      q.used = allocate(4 + 8 * queue_size, 4);
      write(0x16, 2, i);
      write(0x18, 2, queue_size);
      write(0x1a, 2, use_msix ? i + 1 : 0xffff);
      address(0x20, q.descriptors);
      address(0x28, q.available);
      address(0x30, q.used);
      write(0x1c, 2, 1);
      REQUIRE_EQ(read(0x1e, 2), i);
    }
    if (use_msix) enable_msix(count + 1);
    write(0x14, 1, ok_status);
    REQUIRE_EQ(status(), ok_status);
  }
  void start() { start(offered()); }
  bool use_msix = false;

  void enable_msix(unsigned vectors) {
    write(0x10, 2, 0);
    for (unsigned i = 0; i < vectors; ++i) {
      pci_.msix_window().write(16 * i, 4, 0xfee0'0000);
      pci_.msix_window().write(16 * i + 8, 4, 0x50 + i);
      pci_.msix_window().write(16 * i + 12, 4, 0);
    }
    pci_.write_config(msix_control(), 2, 0x8000);
  }
  unsigned msix_control() { return find_capability(0x11) + 2; }
  unsigned find_capability(std::uint8_t id, std::uint8_t type = 0) {
    for (unsigned at = pci_.read_config(0x34, 1); at != 0; at = pci_.read_config(at + 1, 1))
      if (pci_.read_config(at, 1) == id && (type == 0 || pci_.read_config(at + 3, 1) == type)) return at;
    FAIL("no such capability");
    return 0;
  }

  // Memory.
  Gpa allocate(std::uint64_t bytes, std::uint64_t alignment = 16) {
    next_free_ = (next_free_ + alignment - 1) & ~(alignment - 1);
    const Gpa at = next_free_;
    next_free_ += bytes;
    REQUIRE(next_free_ <= memory_.ram.size());
    return at;
  }
  Gpa place(const std::vector<std::uint8_t>& bytes) {
    const Gpa at = allocate(bytes.size());
    memory_.write(at, bytes);
    return at;
  }
  std::vector<std::uint8_t> bytes_at(Gpa gpa, std::size_t count) {
    std::vector<std::uint8_t> bytes(count);
    REQUIRE(memory_.read(gpa, bytes));
    return bytes;
  }
  void put(Gpa gpa, unsigned width, std::uint64_t value) {
    for (unsigned i = 0; i < width; ++i) memory_.ram.at(gpa + i) = static_cast<std::uint8_t>(value >> (8 * i));
  }
  std::uint64_t get(Gpa gpa, unsigned width) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value |= std::uint64_t{memory_.ram.at(gpa + i)} << (8 * i);
    return value;
  }

  // Rings.
  void descriptor(Gpa table, unsigned index, Gpa gpa, std::uint32_t bytes, unsigned flags, unsigned next) {
    put(table + 16 * index, 8, gpa);
    put(table + 16 * index + 8, 4, bytes);
    put(table + 16 * index + 12, 2, flags);
    put(table + 16 * index + 14, 2, next);
  }
  void chain_into(Gpa table, unsigned first, unsigned entries, const std::vector<Buffer>& buffers) {
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const bool last = i + 1 == buffers.size();
      descriptor(table, (first + i) % entries, buffers[i].gpa, buffers[i].bytes,
                 (buffers[i].writable ? 2 : 0) | (last ? 0 : 1), (first + i + 1) % entries);
    }
  }
  /// Makes a chain of descriptors and makes it available. Returns its head.
  std::uint16_t add(unsigned queue, const std::vector<Buffer>& buffers) {
    Queue& q = queues_.at(queue);
    const std::uint16_t head = q.next_descriptor;
    chain_into(q.descriptors, head, q.size, buffers);
    q.next_descriptor = static_cast<std::uint16_t>((head + buffers.size()) % q.size);
    offer(queue, head);
    return head;
  }
  std::uint16_t add_indirect(unsigned queue, const std::vector<Buffer>& buffers) {
    Queue& q = queues_.at(queue);
    const Gpa table = allocate(16 * buffers.size());
    chain_into(table, 0, static_cast<unsigned>(buffers.size()), buffers);
    const std::uint16_t head = q.next_descriptor;
    descriptor(q.descriptors, head, table, static_cast<std::uint32_t>(16 * buffers.size()), 4, 0);
    q.next_descriptor = static_cast<std::uint16_t>((head + 1) % q.size);
    offer(queue, head);
    return head;
  }
  void offer(unsigned queue, std::uint16_t head) {
    Queue& q = queues_.at(queue);
    put(q.available + 4 + 2 * (q.next_available % q.size), 2, head);
    put(q.available + 2, 2, ++q.next_available);
  }
  void notify(unsigned queue) { write(0x3000 + 4 * queue, 2, queue); }
  /// What the device has used since the last call.
  std::vector<Used> used(unsigned queue) {
    Queue& q = queues_.at(queue);
    std::vector<Used> all;
    while (q.seen_used != static_cast<std::uint16_t>(get(q.used + 2, 2))) {
      const Gpa at = q.used + 4 + 8 * (q.seen_used++ % q.size);
      all.push_back({static_cast<std::uint32_t>(get(at, 4)), static_cast<std::uint32_t>(get(at + 4, 4))});
      REQUIRE(all.size() <= q.size);
    }
    return all;
  }

  struct Queue {
    std::uint16_t size = 0;
    Gpa descriptors = 0, available = 0, used = 0;
    std::uint16_t next_descriptor = 0, next_available = 0, seen_used = 0;
  };
  Queue& queue(unsigned index) { return queues_.at(index); }

 private:
  void address(std::uint64_t offset, Gpa gpa) {
    write(offset, 4, static_cast<std::uint32_t>(gpa));
    write(offset + 4, 4, gpa >> 32);
  }

  VirtioPci& pci_;
  TestMemory& memory_;
  std::vector<Queue> queues_;
  Gpa next_free_ = 0x1000;
};

}  // namespace lockstitch::test
