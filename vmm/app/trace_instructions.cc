// See trace_instructions.h.
#include "vmm/app/trace_instructions.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "vmm/app/debug_replay.h"
#include "vmm/app/flag_parser.h"
#include "vmm/app/message.h"
#include "vmm/debug/instruction_line.h"
#include "vmm/debug/linux_guest.h"

namespace lockstitch::app {
namespace {

/// Where Linux is linked to; KASLR moves it.
constexpr std::uint64_t linked_text = 0xffff'ffff'8100'0000;

Result<Tick> tick_of(const char* flag, const std::string& text) {
  if (text.empty())
    return Error{ExitCode::usage, fmt::format("the first and the last tick are needed; --{} is missing", flag)};
  const auto tick = parse_whole_number(text);
  if (!tick.ok()) return Error{ExitCode::usage, fmt::format("--{}: {}", flag, tick.error().text)};
  return Tick{tick.value()};
}

/// A file, or `linux`: the table of the guest's own kernel.
Result<std::optional<debug::SymbolTable>> symbols_of(const std::string& name, Machine& machine) {
  if (name.empty()) return std::optional<debug::SymbolTable>();
  auto table = name == "linux" ? debug::read_kallsyms(machine.cpu(), machine.memory()) : debug::SymbolTable::open(name);
  if (!table.ok()) return table.error();
  if (const auto text = table.value().address_of("_text"); text && *text == linked_text) {
    const auto kernel = debug::find_linux(machine.cpu(), machine.memory());
    if (kernel.ok()) table.value().set_offset(kernel.value().offset);
  }
  return std::optional(std::move(table).value());
}

}  // namespace

Result<int> trace_instructions(const InstructionsWish& wish) {
  const auto from = tick_of("from", wish.from);
  if (!from.ok()) return from.error();
  const auto to = tick_of("to", wish.to);
  if (!to.ok()) return to.error();
  if (to.value() < from.value()) return Error{ExitCode::usage, "--to is before --from"};
  if (wish.format != "text" && wish.format != "json") {
    return Error{ExitCode::usage, fmt::format("--format: there is no format '{}'; it is text or json", wish.format)};
  }
  const auto format = wish.format == "json" ? debug::TraceFormat::json : debug::TraceFormat::text;
  ReplayOptions options;
  options.from = from.value();
  options.debugged = true;
  auto prepared = prepare_replay(wish.trace, options, wish.images);
  if (!prepared.ok()) return prepared.error();
  auto made = DebuggedReplay::open(std::move(prepared).value(), debug_budget_bytes, false);
  if (!made.ok()) return made.error();
  DebuggedReplay& replay = *made.value();
  const auto interrupted = [&replay] { return replay.stop_asked(); };
  if (replay.timeline().go_to({from.value(), 0}, interrupted) == debug::Arrived::interrupted) {
    return static_cast<int>(ExitCode::interrupted);
  }
  const auto symbols = symbols_of(wish.symbols, replay.machine());
  if (!symbols.ok()) return symbols.error();
  const debug::SymbolTable* table = symbols.value() ? &*symbols.value() : nullptr;
  std::fputs(debug::trace_header(format).c_str(), stdout);
  while (replay.timeline().here().tick < to.value()) {
    const CpuState before = replay.machine().cpu();
    const Boundary begin = replay.timeline().here();
    if (replay.timeline().step(interrupted) != debug::Arrived::there) break;
    const auto step =
        debug::make_step(replay.machine().memory(), before, replay.machine().cpu(), begin, replay.timeline().here());
    if (std::puts(debug::trace_line(step, format, table).c_str()) < 0) {
      return Error{ExitCode::world, "the standard output takes no more"};
    }
  }
  if (replay.stop_asked()) return static_cast<int>(ExitCode::interrupted);
  if (!replay.timeline().trouble().empty()) say(replay.timeline().trouble());
  return 0;
}

}  // namespace lockstitch::app
