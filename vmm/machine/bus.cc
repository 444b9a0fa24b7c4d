// See bus.h.
#include "vmm/machine/bus.h"

#include <string>

#include "lockstitch/assert.h"

namespace lockstitch {
namespace {

constexpr std::uint64_t port_count = 0x1'0000;

bool inside(const AddressRange& range, std::uint64_t address, unsigned width) {
  return range.last - address >= width - 1;
}

}  // namespace

class Bus::Bar final : public MapPort {
 public:
  Bar(Bus& bus, AddressSpace& space, std::uint64_t length, RegisterWindow& window)
      : bus_(bus), space_(space), length_(length), window_(window) {}

  void place(std::uint64_t base) override {
    if (placed_ && base == base_) return;
    remove();
    placed_ = bus_.add_window(space_, base, length_, window_);
    if (placed_) base_ = base;
  }

  void remove() override {
    if (placed_) space_.remove(base_);
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

 private:
  Bus& bus_;
  AddressSpace& space_;
  std::uint64_t length_;
  RegisterWindow& window_;
  bool placed_ = false;
  std::uint64_t base_ = 0;  ///< 0 when not placed
  bool loaded_placed_ = false;
  std::uint64_t loaded_base_ = 0;
};

Bus::Bus(const Memory& memory) : memory_(memory) {}
Bus::~Bus() = default;

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

MapPort& Bus::make_port_bar(std::uint32_t length, RegisterWindow& window) {
  return *bars_.emplace_back(std::make_unique<Bar>(*this, ports_, length, window));
}

MapPort& Bus::make_memory_bar(std::uint64_t length, RegisterWindow& window) {
  return *bars_.emplace_back(std::make_unique<Bar>(*this, memory_mapped_, length, window));
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
