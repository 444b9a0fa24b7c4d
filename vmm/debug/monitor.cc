// See monitor.h.
#include "vmm/debug/monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>

#include "sync/log/entry_text.h"
#include "vmm/debug/guest_access.h"
#include "vmm/debug/instruction_line.h"
#include "vmm/debug/linux_guest.h"
#include "vmm/debug/page_walk.h"
#include "vmm/debug/system_text.h"

namespace lockstitch::debug {
namespace {

/// Unit: entries, of inputs before and behind the present moment that `events` shows by itself.
constexpr std::size_t shown_events = 8;
constexpr std::size_t shown_lines = 25;
constexpr const char* refresh = "gdb shows the registers of before until `maintenance flush register-cache`.\n";

Error usage(std::string text) { return {ExitCode::usage, std::move(text)}; }

Error no_screen() {
  return usage("This machine has no display; `monitor console` shows what the guest wrote to its consoles.");
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Unit of the result: ns. `4.5s`, `20ms`, `7us`, `100ns`.
std::optional<std::uint64_t> duration(std::string_view text) {
  static constexpr std::pair<std::string_view, double> units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  for (const auto& [unit, ns] : units) {
    if (!text.ends_with(unit)) continue;
    const std::string number(text.substr(0, text.size() - unit.size()));
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != 0 || !(value >= 0) || value * ns > 9e18) return std::nullopt;
    return static_cast<std::uint64_t>(value * ns);
  }
  return std::nullopt;
}

std::string_view mode_of(const CpuState& cpu) {
  const Segment& code = cpu.segment[unsigned(SegmentName::cs)];
  if (!(cpu.cr0 & 1)) return "real mode";
  if (cpu.rflags & 0x2'0000) return "virtual-8086 mode";
  if (cpu.efer & 0x400) return code.attributes & 0x2000 ? "64-bit mode" : "compatibility mode";
  return code.attributes & 0x4000 ? "32-bit protected mode" : "16-bit protected mode";
}

unsigned privilege_of(const CpuState& cpu) {
  return (cpu.cr0 & 1) ? cpu.segment[unsigned(SegmentName::ss)].attributes >> 5 & 3 : 0;
}

}  // namespace

Monitor::Monitor(Machine& machine, Timeline& timeline, const ConsoleLog& console, std::vector<std::string> ports)
    : machine_(machine), timeline_(timeline), console_(console), ports_(std::move(ports)) {}
Monitor::~Monitor() = default;

const std::vector<Monitor::Command>& Monitor::commands() {
  static const std::vector<Command> all{
      {"help", "", "this list", &Monitor::help},
      {"when", "", "where in the recording the machine stands", &Monitor::when},
      {"goto", "TICK|TIME|begin|end", "go there; a time is like 4.5s or 120ms of guest time", &Monitor::go_to},
      {"checkpoint", "", "remember this moment under a number", &Monitor::checkpoint},
      {"restart", "N", "go to checkpoint N", &Monitor::restart},
      {"back", "", "end a diversion: back to the recording as it was", &Monitor::back},
      {"events", "[FROM TO]", "inputs of the recording, around here or between two ticks", &Monitor::events},
      {"find-write", "ADDR [BYTES]", "go back to the last instruction or device that wrote there",
       &Monitor::find_write},
      {"find-exec", "ADDR", "go back to the last time the instruction there was about to be executed",
       &Monitor::find_exec},
      {"console", "[LINES]", "what the guest had written to its consoles by now", &Monitor::console},
      {"screen", "", "what the screen shows now, as text", &Monitor::screen},
      {"screenshot", "FILE", "write what the screen shows now as a PNG file", &Monitor::screenshot},
      {"regs", "system", "control, segment and model-specific registers, explained", &Monitor::registers},
      {"pagewalk", "ADDR", "how a linear address is translated now", &Monitor::walk},
      {"log", "on FILE | off", "write every instruction that is executed forwards to a file", &Monitor::log},
      {"linux-base", "", "where a Linux kernel was loaded (KASLR)", &Monitor::linux_base},
      {"linux-symbols", "FILE", "write the kernel's own symbols to a file for `add-symbol-file`",
       &Monitor::linux_symbols},
  };
  return all;
}

Result<std::string> Monitor::command(std::string_view line, const Interrupted& interrupted) {
  Words words;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t\r\n", at);
    if (begin == std::string_view::npos) break;
    at = std::min(line.find_first_of(" \t\r\n", begin), line.size());
    words.emplace_back(line.substr(begin, at - begin));
  }
  if (words.empty()) return help(words, interrupted);
  for (const Command& command : commands()) {
    if (words[0] == command.name) return (this->*command.run)(words, interrupted);
  }
  return usage(fmt::format("There is no command '{}'; `monitor help` lists them.", words[0]));
}

Result<std::string> Monitor::help(const Words&, const Interrupted&) {
  std::string text;
  for (const Command& command : commands()) {
    text += fmt::format("{:<32} {}\n", fmt::format("{} {}", command.name, command.arguments), command.help);
  }
  return text;
}

std::string Monitor::place() const {
  const CpuState cpu = machine_.cpu();
  const Boundary here = timeline_.here();
  std::string text = fmt::format("tick {}", here.tick.value);
  if (here.delivered != 0) text += fmt::format(" (+{})", here.delivered);
  text += fmt::format(", {:.9f} s of guest time, rip {:#x}, {}, CPL {}",
                      static_cast<double>(machine_.now().ns.value) * 1e-9, cpu.rip, mode_of(cpu), privilege_of(cpu));
  if (cpu.activity == Activity::halted) text += ", halted";
  if (timeline_.diverted()) text += "; in a diversion: this is not in the recording";
  return text + "\n";
}

Result<std::string> Monitor::when(const Words&, const Interrupted&) {
  return place() + fmt::format("The recording goes from tick {} to tick {}; {} marks hold {} MiB.\n",
                               timeline_.begin().value, timeline_.limit().value, timeline_.marks().count(),
                               timeline_.marks().bytes() >> 20);
}

Result<std::string> Monitor::arrived(Arrived how, std::string text) const {
  if (how == Arrived::interrupted) return "Interrupted.\n" + place();
  if (how == Arrived::history_end && !timeline_.trouble().empty()) return text + timeline_.trouble() + "\n" + place();
  return text + place() + refresh;
}

Result<std::string> Monitor::go_to(const Words& words, const Interrupted& interrupted) {
  if (words.size() != 2) return usage("goto needs a tick, a time like 4.5s, `begin` or `end`.");
  if (words[1] == "begin") return arrived(timeline_.go_to({timeline_.begin(), 0}, interrupted), "");
  if (words[1] == "end") return arrived(timeline_.go_to({timeline_.limit(), 0}, interrupted), "");
  if (const auto tick = whole_number(words[1])) return arrived(timeline_.go_to({Tick{*tick}, 0}, interrupted), "");
  const auto ns = duration(words[1]);
  if (!ns) return usage(fmt::format("'{}' is neither a tick nor a time like 4.5s.", words[1]));
  // Guest time runs ahead of the ticks by what the clock was advanced, which changes along the recording.
  Arrived how = Arrived::there;
  for (int again = 0; again < 8 && machine_.now().ns.value != *ns; ++again) {
    const auto difference = static_cast<std::int64_t>(*ns - machine_.now().ns.value);
    const auto tick = static_cast<std::int64_t>(timeline_.here().tick.value) + difference;
    how = timeline_.go_to({Tick{static_cast<std::uint64_t>(std::max<std::int64_t>(tick, 0))}, 0}, interrupted);
    if (how != Arrived::there) break;
  }
  return arrived(how, "");
}

Result<std::string> Monitor::checkpoint(const Words&, const Interrupted&) {
  if (timeline_.diverted()) return usage("A diversion has no checkpoints; `monitor back` returns to the recording.");
  const unsigned number = checkpoints_.empty() ? 1 : checkpoints_.rbegin()->first + 1;
  checkpoints_[number] = timeline_.here();
  return fmt::format("Checkpoint {} at {}", number, place());
}

Result<std::string> Monitor::restart(const Words& words, const Interrupted& interrupted) {
  const auto number = words.size() == 2 ? whole_number(words[1]) : std::nullopt;
  const auto found = number ? checkpoints_.find(static_cast<unsigned>(*number)) : checkpoints_.end();
  if (found == checkpoints_.end()) {
    std::string text = "restart needs the number of a checkpoint; there are:";
    for (const auto& [n, at] : checkpoints_) text += fmt::format(" {} (tick {})", n, at.tick.value);
    return usage(text + (checkpoints_.empty() ? " none." : "."));
  }
  return arrived(timeline_.go_to(found->second, interrupted), "");
}

Result<std::string> Monitor::back(const Words&, const Interrupted& interrupted) {
  if (!timeline_.diverted()) return std::string("This is the recording.\n") + place();
  return arrived(timeline_.end_diversion(interrupted), "Back in the recording.\n");
}

Result<std::string> Monitor::events(const Words& words, const Interrupted&) {
  std::string text;
  if (words.size() == 3) {
    const auto from = whole_number(words[1]), to = whole_number(words[2]);
    if (!from || !to || *from > *to) return usage("events needs two ticks, the earlier one first.");
    const Outcome read = timeline_.log().for_each(Tick{*from}, Tick{*to} + 1, [&](const sync::Entry& entry) {
      if (!std::holds_alternative<sync::HorizonEntry>(entry.body)) text += sync::to_text(entry, ports_) + "\n";
    });
    if (!read.ok()) return read.error();
    return text.empty() ? "Nothing happened between these ticks.\n" : text;
  }
  if (words.size() != 1) return usage("events takes no argument or two ticks.");
  const Tick here = timeline_.here().tick;
  std::deque<std::string> before;
  std::size_t behind = 0;
  const Outcome read =
      timeline_.log().for_each(timeline_.begin(), timeline_.limit() + 1, [&](const sync::Entry& entry) {
        if (!sync::is_input(entry) && !std::holds_alternative<sync::MarkEntry>(entry.body)) return;
        if (entry.tick < here) {
          before.push_back("  " + sync::to_text(entry, ports_) + "\n");
          if (before.size() > shown_events) before.pop_front();
        } else if (behind++ < shown_events) {
          text += "  " + sync::to_text(entry, ports_) + "\n";
        }
      });
  if (!read.ok()) return read.error();
  std::string all;
  for (const std::string& line : before) all += line;
  return all + "> " + place() + text;
}

Result<std::string> Monitor::look_back(const WatchSet& set, std::string_view what, const Interrupted& interrupted) {
  if (timeline_.diverted()) return usage("A diversion has no past; `monitor back` returns to the recording.");
  const Boundary from = timeline_.here();
  const Arrived how = timeline_.run_back(set, interrupted);
  if (how == Arrived::interrupted) return arrived(how, "");
  const std::string return_to = fmt::format("You were at tick {}.\n", from.tick.value);
  if (how != Arrived::watched) {
    timeline_.go_to(from, [] { return false; });
    return fmt::format("Nothing {} between the beginning and here.\n", what);
  }
  std::string text;
  if (const auto& hit = timeline_.hit(); hit->kind == WatchKind::device_write) {
    text = fmt::format("A device wrote {} bytes at the physical address {:#x}.\n", hit->bytes, hit->address);
  } else if (hit->kind == WatchKind::write) {
    text = fmt::format("Written by the instruction here, at the physical address {:#x}.\n", hit->address);
  }
  return arrived(how, text + return_to);
}

Result<std::string> Monitor::find_write(const Words& words, const Interrupted& interrupted) {
  const auto address = words.size() >= 2 ? whole_number(words[1]) : std::nullopt;
  const auto bytes = words.size() == 3 ? whole_number(words[2]) : std::optional<std::uint64_t>(1);
  if (!address || !bytes || words.size() > 3 || *bytes == 0 || *bytes > page_bytes) {
    return usage("find-write needs a linear address as of now and, if you like, up to 4096 bytes.");
  }
  const auto pieces = physical_pieces(machine_.cpu(), machine_.memory(), *address, *bytes);
  if (!pieces.ok()) return pieces.error();
  WatchSet set;
  for (const PhysicalPiece& piece : pieces.value()) {
    set.ranges.push_back({WatchSpace::physical, piece.gpa, piece.bytes, false, true});
  }
  return look_back(set, "wrote there", interrupted);
}

Result<std::string> Monitor::find_exec(const Words& words, const Interrupted& interrupted) {
  const auto address = words.size() == 2 ? whole_number(words[1]) : std::nullopt;
  if (!address) return usage("find-exec needs a linear address.");
  WatchSet set;
  set.breakpoints = {*address};
  return look_back(set, "was executed there", interrupted);
}

Result<std::string> Monitor::console(const Words& words, const Interrupted&) {
  const auto lines = words.size() == 2 ? whole_number(words[1]) : std::optional<std::uint64_t>(shown_lines);
  if (!lines || words.size() > 2) return usage("console takes a number of lines.");
  const std::string text = console_.tail(timeline_.here().tick, *lines);
  return text.empty() ? "Nothing was written yet.\n" : text.ends_with('\n') ? text : text + "\n";
}

Result<std::string> Monitor::screen(const Words& words, const Interrupted&) {
  if (words.size() != 1) return usage("screen takes no argument; a file is written with `monitor screenshot FILE`.");
  if (!screen_.text) return no_screen();
  const auto text = screen_.text();
  if (!text.ok()) return usage(fmt::format("No text: {}.", text.error().text));
  return text.value().empty() ? "The screen is empty.\n" : text.value();
}

Result<std::string> Monitor::screenshot(const Words& words, const Interrupted&) {
  if (words.size() != 2) return usage("screenshot needs the name of a file.");
  if (!screen_.to_file) return no_screen();
  if (const Outcome done = screen_.to_file(words[1]); !done.ok()) {
    return usage(fmt::format("No picture: {}.", done.error().text));
  }
  return fmt::format("The screen is in '{}'.\n", words[1]);
}

Result<std::string> Monitor::registers(const Words& words, const Interrupted&) {
  if (words.size() != 2 || words[1] != "system")
    return usage("It is `regs system`; gdb's own `info registers` shows the rest.");
  return system_text(machine_.cpu());
}

Result<std::string> Monitor::walk(const Words& words, const Interrupted&) {
  const auto address = words.size() == 2 ? whole_number(words[1]) : std::nullopt;
  if (!address) return usage("pagewalk needs a linear address.");
  return to_text(walk_pages(machine_.cpu(), machine_.memory(), *address), *address);
}

Result<std::string> Monitor::log(const Words& words, const Interrupted&) {
  if (words.size() == 2 && words[1] == "off") {
    log_.reset();
    return std::string("No instruction trace is written.\n");
  }
  if (words.size() != 3 || words[1] != "on") return usage("It is `log on FILE` or `log off`.");
  log_.reset(std::fopen(words[2].c_str(), "we"));
  if (!log_) return usage(fmt::format("'{}' cannot be written: {}.", words[2], std::strerror(errno)));
  std::fputs(trace_header(TraceFormat::text).c_str(), log_.get());
  return fmt::format("What is executed forwards is written to {}, some hundred thousand instructions a second.\n",
                     words[2]);
}

Result<std::string> Monitor::linux_base(const Words&, const Interrupted&) {
  const auto kernel = find_linux(machine_.cpu(), machine_.memory());
  if (!kernel.ok()) return kernel.error();
  return to_text(kernel.value());
}

Result<std::string> Monitor::linux_symbols(const Words& words, const Interrupted&) {
  if (words.size() != 2) return usage("linux-symbols needs the name of a file to write.");
  return save_linux_symbols(machine_.cpu(), machine_.memory(), words[1]);
}

void Monitor::write_step(const CpuState& before, Boundary begin) {
  const CpuState after = machine_.cpu();
  std::fputs(
      (trace_line(make_step(machine_.memory(), before, after, begin, timeline_.here()), TraceFormat::text, nullptr) +
       "\n")
          .c_str(),
      log_.get());
}

Arrived Monitor::step(const WatchSet& set, const Interrupted& interrupted) {
  if (!log_) return timeline_.step(set, interrupted);
  const CpuState before = machine_.cpu();
  const Boundary begin = timeline_.here();
  const Arrived arrived = timeline_.step(set, interrupted);
  if (arrived == Arrived::there || arrived == Arrived::watched) write_step(before, begin);
  return arrived;
}

Arrived Monitor::run(const WatchSet& set, const Interrupted& interrupted) {
  if (!log_) return timeline_.run(set, interrupted);
  for (;;) {
    const Arrived arrived = step(set, interrupted);
    if (arrived != Arrived::there) return arrived;
    if (timeline_.stands_on(set)) return Arrived::watched;
    if (interrupted()) return Arrived::interrupted;
  }
}

}  // namespace lockstitch::debug
