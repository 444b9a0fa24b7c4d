// See machine_snapshot.h.
#include "vmm/app/machine_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "vmm/machine/state_comparer.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"

namespace lockstitch::app {

namespace {

constexpr std::array<std::uint8_t, page_bytes> zeros{};

bool is_zero(Bytes page) { return std::equal(page.begin(), page.end(), zeros.begin()); }

std::string disk_name(std::size_t index) { return fmt::format("disk{}", index); }

Error other_machine(const sync::CheckpointFile& checkpoint, std::string_view what) {
  return {ExitCode::bad_input, fmt::format("The checkpoint at tick {} does not fit this machine: {}; it was made by "
                                           "another version of Lockstitch, or of another guest.",
                                           checkpoint.tick().value, what)};
}

Outcome check_shapes(Machine& machine, const WrittenDisks& disks, const sync::CheckpointFile& checkpoint) {
  const auto wanted = region_shapes(machine, disks);
  const auto& found = checkpoint.shapes();
  const bool equal = std::equal(wanted.begin(), wanted.end(), found.begin(), found.end(),
                                [](const auto& a, const auto& b) { return a.name == b.name && a.pages == b.pages; });
  if (!equal) return other_machine(checkpoint, "its memory or its disks have other sizes");
  return success();
}

Outcome restore_memory(Memory& memory, const sync::CheckpointFile& checkpoint) {
  std::vector<bool> listed(memory.pages());
  const Outcome loaded = checkpoint.load(0, [&](std::uint64_t page, Bytes contents) {
    listed[page] = true;
    memory.set_page_contents(page, contents);
  });
  if (!loaded) return loaded;
  for (std::uint64_t page = 0; page < listed.size(); ++page) {
    if (!listed[page] && !is_zero(memory.page_contents(page))) memory.set_page_contents(page, zeros);
  }
  return success();
}

std::string byte_text(std::uint8_t byte) { return fmt::format("{:02x}", byte); }

std::optional<Divergence> differing_byte(Tick tick, const std::string& region, std::uint64_t address, Bytes expected,
                                         Bytes got) {
  const auto at = std::mismatch(expected.begin(), expected.end(), got.begin());
  if (at.first == expected.end()) return std::nullopt;
  const auto offset = static_cast<std::uint64_t>(at.first - expected.begin());
  return Divergence{tick, fmt::format("{}/{:#x}", region, address + offset), byte_text(*at.first),
                    byte_text(*at.second)};
}

}  // namespace

std::vector<sync::RegionShape> region_shapes(Machine& machine, const WrittenDisks& disks) {
  std::vector<sync::RegionShape> shapes{{"ram", machine.memory().pages()}};
  for (std::size_t i = 0; i < disks.size(); ++i) shapes.push_back({disk_name(i), disks[i]->clusters()});
  return shapes;
}

sync::Snapshot take_snapshot(Machine& machine, const WrittenDisks& disks) {
  sync::Snapshot snapshot;
  snapshot.digest = machine.digest();
  snapshot.tick = machine.now().tick;
  snapshot.ns = machine.now().ns;
  snapshot.state = save_state(machine);

  Memory& memory = machine.memory();
  sync::PageChanges ram;
  memory.take_dirty(DirtySince::checkpoint, ram.numbers);
  ram.contents.reserve(ram.numbers.size() * page_bytes);
  for (const std::uint64_t page : ram.numbers) {
    const Bytes contents = memory.page_contents(page);
    ram.contents.insert(ram.contents.end(), contents.begin(), contents.end());
  }
  snapshot.regions.push_back(std::move(ram));

  for (const auto& disk : disks) {
    sync::PageChanges clusters;
    disk->take_written(clusters.numbers);
    clusters.contents.resize(clusters.numbers.size() * page_bytes);
    for (std::size_t i = 0; i < clusters.numbers.size(); ++i) {
      disk->read_cluster(clusters.numbers[i], MutableBytes(clusters.contents).subspan(i * page_bytes, page_bytes));
    }
    snapshot.regions.push_back(std::move(clusters));
  }
  return snapshot;
}

Outcome restore_snapshot(Machine& machine, const WrittenDisks& disks, const sync::CheckpointFile& checkpoint) {
  if (const Outcome fits = check_shapes(machine, disks, checkpoint); !fits) return fits;
  if (const Outcome memory = restore_memory(machine.memory(), checkpoint); !memory) return memory;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const Outcome loaded = checkpoint.load(
        i + 1, [&](std::uint64_t cluster, Bytes contents) { disks[i]->write_cluster(cluster, contents); });
    if (!loaded) return loaded;
  }
  if (const Outcome loaded = load_state(machine, checkpoint.state()); !loaded) {
    return other_machine(checkpoint, loaded.error().text);
  }
  if (machine.digest() != checkpoint.digest()) return other_machine(checkpoint, "its digest is not reached");
  return success();
}

Result<std::optional<Divergence>> compare_snapshot(Machine& machine, const WrittenDisks& disks,
                                                   const sync::CheckpointFile& checkpoint) {
  if (const Outcome fits = check_shapes(machine, disks, checkpoint); !fits) return fits.error();
  const Tick tick = machine.tick();
  std::optional<Divergence> first = first_difference(tick, checkpoint.state(), save_state(machine));
  if (first) return first;

  const Memory& memory = machine.memory();
  std::vector<bool> listed(memory.pages());
  const Outcome ram = checkpoint.load(0, [&](std::uint64_t page, Bytes contents) {
    listed[page] = true;
    if (!first) first = differing_byte(tick, "memory", memory.page_gpa(page), contents, memory.page_contents(page));
  });
  if (!ram) return ram.error();
  for (std::uint64_t page = 0; page < listed.size() && !first; ++page) {
    if (!listed[page]) first = differing_byte(tick, "memory", memory.page_gpa(page), zeros, memory.page_contents(page));
  }
  for (std::size_t i = 0; i < disks.size() && !first; ++i) {
    std::array<std::uint8_t, page_bytes> cluster_now;
    const Outcome disk = checkpoint.load(i + 1, [&](std::uint64_t cluster, Bytes contents) {
      if (first) return;
      disks[i]->read_cluster(cluster, cluster_now);
      first = differing_byte(tick, disk_name(i), cluster * page_bytes, contents, cluster_now);
    });
    if (!disk) return disk.error();
  }
  return first;
}

}  // namespace lockstitch::app
