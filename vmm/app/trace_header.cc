// See trace_header.h.
#include "vmm/app/trace_header.h"

#include <cpuid.h>
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "vmm/engine/interp/cpuid.h"
#include "vmm/world/wall_clock.h"

namespace lockstitch::app {

namespace {

constexpr std::string_view board_name = "PC-1";
/// Leaves whose answer depends on the subleaf; more than any of them has.
constexpr std::uint32_t subleaves = 4;

std::vector<sync::CpuidRow> cpuid_rows(const interp::CpuModel& model) {
  std::vector<sync::CpuidRow> rows;
  for (const std::uint32_t base : {0u, 0x4000'0000u, 0x8000'0000u}) {
    const std::uint32_t last = std::min(interp::cpuid(base, 0, model).eax, base + 0x40);
    for (std::uint32_t leaf = base; leaf <= last; ++leaf) {
      for (std::uint32_t subleaf = 0; subleaf < subleaves; ++subleaf) {
        const interp::CpuidResult r = interp::cpuid(leaf, subleaf, model);
        rows.push_back({leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx});
      }
    }
  }
  return rows;
}

sync::EngineDescription engine_of(const EngineTraits& traits) {
  return {std::string(traits.name), traits.counts_exactly, traits.stops_exactly,
          traits.traps_tsc,         traits.traps_random,   traits.no_visible_tlb, traits.ticks};
}

sync::ImageReference image_of(const sync::Header& header, std::string_view role) {
  for (const sync::ImageReference& image : header.images) {
    if (image.role == role) return image;
  }
  return {};
}

std::string path_of(const sync::Header& header, std::string_view role) { return image_of(header, role).path; }

}  // namespace

sync::Header describe(const Settings& settings, Board& board, std::vector<sync::ImageReference> images) {
  sync::Header header;
  header.build = LOCKSTITCH_VERSION;
  header.created_ns = world::wall_clock_ns();
  header.paced = settings.clock == ClockMode::realtime;
  header.digest_every = settings.digest_every;
  header.numeric_mode = numeric_mode();
  header.engine = engine_of(board.machine().engine_traits());
  header.cpuid = cpuid_rows(cpu_model(settings.pc.hyperv, header.engine.ticks));
  header.images = std::move(images);

  sync::BoardDescription& to = header.board;
  to.name = board_name;
  to.memory_bytes = settings.memory_bytes;
  to.digest_ignored_bits = settings.digest_ignored_bits;
  to.ns_per_tick = ns_per_tick(header.engine.ticks);
  to.rtc_start_seconds = *settings.rtc_start_seconds;
  to.seed = *settings.seed;
  to.command_line = settings.append;
  to.flat_kernel = settings.flat;
  to.reboots = !settings.no_reboot;
  to.virtio_console = settings.has_virtio_console();
  if (settings.network.kind != NetworkSetting::Kind::none) to.network_mac = settings.network.mac;
  for (const DiskSetting& disk : settings.disks) to.disks.push_back({disk.mode == world::BlockMode::read_only});
  to.pc = to_text(settings.pc_model());
  const Connections& ports = board.machine().connections();
  for (std::uint16_t port = 1; port <= ports.count(); ++port) to.ports.emplace_back(ports.name({port}));
  return header;
}

Settings settings_of(const sync::Header& header) {
  const sync::BoardDescription& board = header.board;
  Settings settings;
  settings.memory_bytes = board.memory_bytes;
  settings.kernel = path_of(header, "kernel");
  settings.initrd = path_of(header, "initrd");
  settings.append = board.command_line;
  settings.flat = board.flat_kernel;
  const PcModel pc = pc_model_of(board.pc).value();  // check_replayable() has looked
  for (std::size_t i = 0; i < board.disks.size(); ++i) {
    const auto mode = board.disks[i].read_only ? world::BlockMode::read_only : world::BlockMode::overlay;
    const sync::ImageReference image = image_of(header, fmt::format("disk{}", i));
    const auto format = image.format.empty() ? world::ImageFormat::raw : world::format_named(image.format);
    settings.disks.push_back({image.path, mode, format, pc.buses[i]});
  }
  settings.network.card = pc.card;
  settings.pc.adopt(pc);
  settings.pc.firmware_file = path_of(header, "firmware");
  settings.pc.vga_rom_file = path_of(header, "vga-rom");
  settings.pc.network_rom_file = path_of(header, "network-rom");
  settings.pc.uefi_variables = path_of(header, "uefi-variables");
  if (pc.cdrom) {
    settings.pc.media.emplace();
    for (std::size_t i = 0; !path_of(header, fmt::format("cdrom{}", i)).empty(); ++i)
      settings.pc.media->push_back(path_of(header, fmt::format("cdrom{}", i)));
  }
  if (board.network_mac) {
    settings.network.kind = NetworkSetting::Kind::unplugged;
    settings.network.mac = *board.network_mac;
  }
  settings.serial = ConsoleSetting{ConsoleSetting::Kind::none, ""};
  settings.virtio_console = board.virtio_console;
  settings.clock = header.paced ? ClockMode::realtime : ClockMode::unpaced;
  settings.seed = board.seed;
  settings.rtc_start_seconds = board.rtc_start_seconds;
  // check_replayable() refuses a name that is none.
  if (auto engine = parse_engine(header.engine.name); engine.ok()) settings.engine = std::move(engine).value();
  settings.engine.ticks = header.engine.ticks;
  settings.digest_ignored_bits = board.digest_ignored_bits;
  settings.no_reboot = !board.reboots;
  settings.digest_every = header.digest_every;
  return settings;
}

Outcome check_replayable(const sync::Header& header) {
  const auto no = [&](std::string_view what) {
    return Error{ExitCode::unavailable,
                 fmt::format("this program (version {}) cannot replay the trace: {}; use the version that recorded it "
                             "({})",
                             LOCKSTITCH_VERSION, what, header.build)};
  };
  if (header.board.name != board_name)
    return no(fmt::format("its board is '{}', not {}", header.board.name, board_name));
  const auto pc = pc_model_of(header.board.pc);
  if (!pc.ok()) return no(pc.error().text);
  if (pc.value().buses.size() != header.board.disks.size()) return no("its disks are on unknown buses");
  if (!parse_engine(header.engine.name).ok()) return no(fmt::format("there is no engine '{}' here", header.engine.name));
  const TickUnit ticks = header.engine.ticks;
  if (ticks != TickUnit::instruction && ticks != TickUnit::exit) return no("its ticks cannot be counted here");
  if (header.board.ns_per_tick != ns_per_tick(ticks)) return no("its clock runs at another rate");
  if (header.cpuid != cpuid_rows(cpu_model(pc.value().hyperv, ticks))) return no("its processor model answers CPUID otherwise than ours");
  for (const sync::ImageReference& image : header.images) {
    if (!image.format.empty() && !world::format_named(image.format))
      return no(fmt::format("its {} has the format '{}'", image.role, image.format));
  }
  if (header.board.memory_bytes < limits::memory_min_bytes || header.board.memory_bytes > limits::memory_max_bytes) {
    return no(fmt::format("its guest has {} bytes of memory", header.board.memory_bytes));
  }
  return success();
}

std::string numeric_mode() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __get_cpuid(0, &a, &b, &c, &d);
  std::array<char, 13> vendor{};
  std::memcpy(&vendor[0], &b, 4);
  std::memcpy(&vendor[4], &d, 4);
  std::memcpy(&vendor[8], &c, 4);
  __get_cpuid(1, &a, &b, &c, &d);
  const unsigned base_family = a >> 8 & 15;
  const unsigned family = base_family == 15 ? base_family + (a >> 20 & 255) : base_family;
  const unsigned model = (a >> 4 & 15) | (a >> 12 & 0xf0);
  return fmt::format("host x86-64 {} {}-{}", vendor.data(), family, model);
}

}  // namespace lockstitch::app
