// See engine_setting.h.
#include "vmm/app/engine_setting.h"

#include <cpuid.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <sstream>

#include "vmm/app/engine_relay.h"
#include "vmm/app/flag_parser.h"
#include "vmm/app/suggestion.h"
#include "vmm/engine/interp/exit_counting.h"
#include "vmm/engine/interp/interp.h"
#include "vmm/engine/kvm/kvm_engine.h"
#include "vmm/engine/kvm/verdict.h"

namespace lockstitch::app {

namespace {

constexpr std::array<std::string_view, 2> kind_names{"interp", "kvm"};
constexpr std::array<std::string_view, 3> unit_names{"instructions", "exits", "host"};

Error usage(std::string text) { return {ExitCode::usage, std::move(text)}; }

Result<EngineKind> kind_named(const std::string& name) {
  if (name == "jit") return usage("the engine 'jit' is not part of this version yet; use interp or kvm");
  const auto at = std::find(kind_names.begin(), kind_names.end(), name);
  if (at != kind_names.end()) return static_cast<EngineKind>(at - kind_names.begin());
  static constexpr std::array<std::string_view, 3> all{"interp", "kvm", "auto"};
  return usage(fmt::format("there is no engine '{}'{}", name, did_you_mean(name, all, "use interp, kvm or auto")));
}

TickUnit unit_of(EngineKind kind, std::optional<TickUnit> asked) {
  return asked.value_or(kind == EngineKind::kvm ? TickUnit::host_ns : TickUnit::instruction);
}

}  // namespace

bool EngineSetting::uses(EngineKind kind) const {
  return std::any_of(turns.begin(), turns.end(), [&](const EngineTurn& turn) { return turn.kind == kind; });
}

TickUnit EngineSetting::unit(Mode mode) const {
  if (ticks) return *ticks;
  const bool kvm = turns.front().kind == EngineKind::kvm;
  if (kvm && mode != Mode::run) return TickUnit::exit;
  return unit_of(turns.front().kind, {});
}

Result<EngineSetting> parse_engine(const std::string& value) {
  EngineSetting setting;
  if (value == "auto") {
    setting.automatic = true;
    return setting;
  }
  setting.turns.clear();
  std::istringstream parts(value);
  for (std::string part; std::getline(parts, part, ',');) {
    EngineTurn turn;
    const std::size_t colon = part.find(':');
    if (setting.turns.empty() != (colon == part.npos))
      return usage(
          fmt::format("'{}' is no list of engines; write the first, then TICK:ENGINE for each change, as "
                      "interp,1000000:kvm",
                      value));
    if (colon != part.npos) {
      auto tick = parse_whole_number(part.substr(0, colon));
      if (!tick.ok()) return tick.error();
      turn.from = Tick{tick.value()};
      if (turn.from <= setting.turns.back().from)
        return usage(
            fmt::format("the engine changes at tick {}, which is not behind the change before it", turn.from.value));
      part.erase(0, colon + 1);
    }
    const auto kind = kind_named(part);
    if (!kind.ok()) return kind.error();
    turn.kind = kind.value();
    setting.turns.push_back(turn);
  }
  if (setting.turns.empty()) return usage("the name of the engine is empty; use interp, kvm or auto");
  return setting;
}

Result<TickUnit> parse_tick_unit(const std::string& value) {
  const auto at = std::find(unit_names.begin(), unit_names.end(), value);
  if (at != unit_names.end()) return static_cast<TickUnit>(at - unit_names.begin());
  return usage(fmt::format("there are no ticks '{}'{}", value,
                           did_you_mean(value, unit_names, "use instructions, exits or host")));
}

std::string to_text(const EngineSetting& setting) {
  if (setting.automatic) return "auto";
  std::string text;
  for (const EngineTurn& turn : setting.turns) {
    if (!text.empty()) text += fmt::format(",{}:", turn.from.value);
    text += kind_names[static_cast<std::size_t>(turn.kind)];
  }
  return text;
}

std::string_view to_text(TickUnit unit) { return unit_names[static_cast<std::size_t>(unit)]; }

Outcome check_engine(const EngineSetting& setting, Mode mode, bool debugged) {
  const bool kvm = setting.uses(EngineKind::kvm);
  const TickUnit unit = setting.unit(mode);
  if (unit == TickUnit::host_ns && !kvm)
    return usage("interp counts what it executes; --ticks host goes with --engine kvm");
  if (unit == TickUnit::host_ns && setting.ticks && setting.uses(EngineKind::interp))
    return usage("interp cannot count the host's time; leave out --ticks, and each engine counts its own");
  if (is_pair(mode) && (kvm || unit != TickUnit::instruction))
    return usage(
        "a pair runs in lockstep by exact counts of instructions (the trait counts_exactly), which only the engine "
        "interp has; leave out --engine and --ticks");
  if (mode == Mode::record && unit == TickUnit::host_ns)
    return usage(
        "a recording needs an engine that counts exactly (the trait counts_exactly); use --engine interp, or --ticks "
        "exits for a guest that behaves (docs/KVM.md)");
  if (mode == Mode::record && !setting.ticks && setting.uses(EngineKind::interp) && kvm)
    return usage("engines that take turns in a recording must count the same; say --ticks exits or instructions");
  if (debugged && (kvm || unit != TickUnit::instruction))
    return usage("a debugger needs an engine that can watch every instruction; use --engine interp and count instructions");
  return success();
}

std::string settle_engine(EngineSetting& setting, Mode mode) {
  if (!setting.automatic) return "";
  setting.automatic = false;
  setting.turns = {{Tick{}, EngineKind::interp}};
  // What repeats exactly on every host is worth more there than speed.
  if (mode != Mode::run || (setting.ticks && *setting.ticks != TickUnit::host_ns)) return "";
  const auto report = kvm::probe(setting.device);
  if (!report.ok()) return report.error().text;
  const kvm::Verdict verdict = kvm::judge(report.value());
  if (!verdict.sound) return fmt::format("on this host's KVM {} (`lockstitch doctor` tells more).", verdict.faults[0]);
  setting.turns = {{Tick{}, EngineKind::kvm}};
  return "";
}

std::uint64_t ns_per_tick(TickUnit unit) {
  // An exit costs a processor about as much, so loops that wait for a clock by reading it take as long as they should.
  constexpr std::uint64_t exit_ns = 1000;
  return unit == TickUnit::exit ? exit_ns : 1;
}

std::uint64_t digest_ignored_bits(TickUnit unit) {
  if (unit != TickUnit::exit) return 0;
  constexpr std::uint64_t accessed_and_dirty = 0x60'0000'0060;  // in two entries of 32 bits or one of 64
  // QEMU's processor (tests/kvm-rig) stores no RF in the frames of faults and does not mark code segments as accessed.
  constexpr std::uint64_t of_qemu = std::uint64_t{1} << 16 | std::uint64_t{1} << 48 | std::uint64_t{1} << 40;
  unsigned a = 0, name[3] = {};
  __cpuid(0x4000'0000, a, name[0], name[1], name[2]);
  const bool qemu = std::memcmp(name, "TCGTCGTCGTCG", sizeof name) == 0;
  return accessed_and_dirty | (qemu ? of_qemu : 0);
}

interp::CpuModel cpu_model(bool hyperv, TickUnit ticks) {
  // Between two exits nobody can tell what the counter shows, so guests must not rely on it.
  return {.hyperv = hyperv, .tsc = ticks != TickUnit::exit};
}

Result<std::unique_ptr<Engine>> make_engine(const EngineRequest& request, GuestMemory& memory) {
  std::vector<EngineKind> kinds;
  std::vector<std::unique_ptr<Engine>> engines;
  std::vector<EngineRelay::Turn> turns;
  for (const EngineTurn& turn : request.turns) {
    auto known = std::find(kinds.begin(), kinds.end(), turn.kind);
    if (known == kinds.end()) {
      const TickUnit ticks = unit_of(turn.kind, request.ticks);
      const interp::CpuModel model = cpu_model(request.hyperv, ticks);
      if (turn.kind == EngineKind::kvm) {
        kvm::KvmOptions options;
        options.ticks = ticks;
        options.model = model;
        options.device = request.device;
        options.patience = request.patience;
        auto made = kvm::KvmEngine::make(memory, options);
        if (!made.ok()) {
          return Error{made.error().code, fmt::format("The engine kvm is not to be had: {} --engine interp needs none.",
                                                      made.error().text)};
        }
        engines.push_back(std::move(made).value());
      } else if (ticks == TickUnit::exit) {
        engines.push_back(std::make_unique<interp::ExitCounting>(memory, model, request.patience));
      } else {
        engines.push_back(std::make_unique<interp::Interp>(memory, model));
      }
      kinds.push_back(turn.kind);
      known = kinds.end() - 1;
    }
    turns.push_back({turn.from, static_cast<std::size_t>(known - kinds.begin())});
  }
  if (engines.size() == 1) return std::move(engines.front());
  return std::unique_ptr<Engine>(std::make_unique<EngineRelay>(std::move(engines), std::move(turns)));
}

}  // namespace lockstitch::app
