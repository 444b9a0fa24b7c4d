// See bus.h.
#include "vmm/machine/bus.h"

#include <array>
#include <string>

#include "lockstitch/assert.h"

namespace lockstitch {
namespace {

constexpr std::uint64_t port_count = 0x1'0000;

bool inside(const AddressRange& range, std::uint64_t address, unsigned width) {
  return range.last - address >= width - 1;
}

}  // namespace

/// A place that comes and goes; state, because whether it was refused depends on the past.
class Bus::Bar : public MapPort {
 public:
  void place(std::uint64_t base) override {
    if (placed_ && base == base_) return;
    remove();
    placed_ = enter(base);
    if (placed_) base_ = base;
  }

  void remove() override {
    if (placed_) leave(base_);
    placed_ = false;
    base_ = 0;
  }

  void visit(StateVisitor& visitor) {
    if (!visitor.loading()) {
      loaded_placed_ = placed_;
      loaded_base_ = base_;
    }
    visitor.field("placed", loaded_placed_);
    visitor.field("base", loaded_base_);
  }

  void restore() {
    if (loaded_placed_) place(loaded_base_);
  }

 protected:
  /// Fails: false when the place is taken.
  virtual bool enter(std::uint64_t base) = 0;
  virtual void leave(std::uint64_t base) = 0;

 private:
  bool placed_ = false;
  std::uint64_t base_ = 0;  ///< 0 when not placed
  bool loaded_placed_ = false;
  std::uint64_t loaded_base_ = 0;
};

namespace {

template <class Enter, class Leave, class Base>
class BarOf final : public Base {
 public:
  BarOf(Enter enter, Leave leave) : enter_(std::move(enter)), leave_(std::move(leave)) {}

 private:
  bool enter(std::uint64_t base) override { return enter_(base); }
  void leave(std::uint64_t base) override { leave_(base); }

  Enter enter_;
  Leave leave_;
};

}  // namespace

class Bus::Block final : public DeviceMemory {
 public:
  Block(Memory& memory, std::size_t number) : memory_(memory), number_(number) {}
  Bytes contents() const override { return memory_.device_memory(number_); }
  void write(std::uint64_t offset, Bytes in) override { memory_.write_device_memory(number_, offset, in); }
  MapPort& map() override { return *map_; }

  void attach(MapPort& map) { map_ = &map; }

 private:
  Memory& memory_;
  std::size_t number_;
  MapPort* map_ = nullptr;
};

Bus::Bus(Memory& memory) : memory_(memory) {}
Bus::~Bus() = default;

template <class Enter, class Leave>
MapPort& Bus::add_bar(Enter enter, Leave leave) {
  return *bars_.emplace_back(std::make_unique<BarOf<Enter, Leave, Bar>>(std::move(enter), std::move(leave)));
}

bool Bus::add_window(AddressSpace& space, std::uint64_t base, std::uint64_t length, RegisterWindow& window) {
  if (&space == &ports_) {
    if (base >= port_count || length > port_count - base) return false;
  } else if (memory_.overlaps(base, length)) {
    return false;
  }
  return space.add(base, length, window);
}

bool Bus::add_ports(std::uint16_t base, std::uint32_t length, RegisterWindow& window) {
  return add_window(ports_, base, length, window);
}

bool Bus::add_memory(Gpa base, std::uint64_t length, RegisterWindow& window) {
  return add_window(memory_mapped_, base, length, window);
}

bool Bus::add_memory_below(Gpa base, std::uint64_t length, RegisterWindow& window) {
  return memory_mapped_.add(base, length, window);
}

MapPort& Bus::make_port_bar(std::uint32_t length, RegisterWindow& window) {
  return add_bar([this, length, &window](std::uint64_t base) { return add_window(ports_, base, length, window); },
                 [this](std::uint64_t base) { ports_.remove(base); });
}

MapPort& Bus::make_memory_bar(std::uint64_t length, RegisterWindow& window) {
  return add_bar(
      [this, length, &window](std::uint64_t base) { return add_window(memory_mapped_, base, length, window); },
      [this](std::uint64_t base) { memory_mapped_.remove(base); });
}

DeviceMemory& Bus::make_device_memory(std::uint64_t bytes, bool guest_writes) {
  const std::size_t number = memory_.add_device_memory(bytes, guest_writes);
  Block& block = *blocks_.emplace_back(std::make_unique<Block>(memory_, number));
  block.attach(add_bar(
      [this, number, bytes, guest_writes](std::uint64_t base) {
        if ((base & page_mask) != 0 || memory_.overlaps(base, bytes)) return false;
        if (guest_writes && !memory_mapped_.is_free(base, bytes)) return false;
        memory_.place_device_memory(number, base);
        return true;
      },
      [this, number](std::uint64_t) { memory_.remove_device_memory(number); }));
  return block;
}

std::uint64_t Bus::read_port(std::uint16_t port, unsigned width) {
  const AddressRange* range = ports_.find(port);
  if (range != nullptr && inside(*range, port, width))
    return range->window->read(port - range->first, width) & ones(width);
  std::uint64_t value = ones(width);
  bool claimed = false;
  for (unsigned i = 0; i < width; ++i) {
    const std::uint64_t address = std::uint64_t{port} + i;
    range = ports_.find(address);
    if (range == nullptr) continue;
    claimed = true;
    const std::uint64_t byte = range->window->read(address - range->first, 1) & 0xff;
    value = (value & ~(0xffull << (8 * i))) | (byte << (8 * i));
  }
  if (!claimed) ++unclaimed_;
  return value;
}

void Bus::write_port(std::uint16_t port, unsigned width, std::uint64_t value) {
  const AddressRange* range = ports_.find(port);
  if (range != nullptr && inside(*range, port, width)) {
    range->window->write(port - range->first, width, value & ones(width));
    return;
  }
  bool claimed = false;
  for (unsigned i = 0; i < width; ++i) {
    const std::uint64_t address = std::uint64_t{port} + i;
    range = ports_.find(address);
    if (range == nullptr) continue;
    claimed = true;
    range->window->write(address - range->first, 1, (value >> (8 * i)) & 0xff);
  }
  if (!claimed) ++unclaimed_;
}

std::uint64_t Bus::read_memory(Gpa gpa, unsigned width) {
  const AddressRange* range = memory_mapped_.find(gpa);
  if (range != nullptr && inside(*range, gpa, width))
    return range->window->read(gpa - range->first, width) & ones(width);
  ++unclaimed_;
  return ones(width);
}

void Bus::write_memory(Gpa gpa, unsigned width, std::uint64_t value) {
  const AddressRange* range = memory_mapped_.find(gpa);
  if (range != nullptr && inside(*range, gpa, width)) {
    range->window->write(gpa - range->first, width, value & ones(width));
    return;
  }
  std::array<std::uint8_t, 8> bytes;
  for (unsigned i = 0; i < width; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  if (memory_.write_shadowed(gpa, Bytes(bytes).first(width))) return;
  ++unclaimed_;
}

void Bus::drop_caches() {
  ports_.forget_last_hit();
  memory_mapped_.forget_last_hit();
}

void Bus::visit(StateVisitor& visitor) {
  for (std::size_t i = 0; i < bars_.size(); ++i) {
    Section section(visitor, "bar" + std::to_string(i));
    bars_[i]->visit(visitor);
  }
}

void Bus::loaded() {
  for (auto& bar : bars_) bar->remove();
  for (auto& bar : bars_) bar->restore();
}

}  // namespace lockstitch
