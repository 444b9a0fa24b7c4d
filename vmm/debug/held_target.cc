// See held_target.h.
#include "vmm/debug/held_target.h"

#include <fmt/format.h>

#include <cstdlib>

#include "vmm/debug/guest_access.h"
#include "vmm/debug/linux_guest.h"
#include "vmm/debug/page_walk.h"
#include "vmm/debug/system_text.h"

namespace lockstitch::debug {

Error HeldTarget::looked_at_only() {
  return {ExitCode::usage, "A held follower is only looked at; `detach`, and it joins its leader again."};
}

std::uint64_t HeldTarget::read_memory(std::uint64_t address, MutableBytes out) {
  return read_linear(machine_.cpu(), machine_.memory(), address, out);
}

std::uint64_t HeldTarget::read_physical(std::uint64_t address, MutableBytes out) {
  return debug::read_physical(machine_.memory(), address, out);
}

gdb::Stop HeldTarget::resume(const gdb::Resume&, const std::function<bool()>&) {
  gdb::Stop stop;
  stop.reason = gdb::StopReason::interrupted;
  stop.note = looked_at_only().text + "\n";
  return stop;
}

Result<std::string> HeldTarget::monitor(std::string_view line, const std::function<bool()>&) {
  if (auto said = say_of(machine_, line)) return *said;
  return Error{ExitCode::usage,
               "A held follower knows `when`, `regs system`, `pagewalk ADDR`, `linux-base` and `linux-symbols FILE`."};
}

std::optional<Result<std::string>> say_of(Machine& machine, std::string_view line) {
  const CpuState cpu = machine.cpu();
  if (line == "when") {
    return fmt::format("tick {}, {:.9f} s of guest time; this is no recording, so there is no way back\n",
                       machine.tick().value, static_cast<double>(machine.now().ns.value) * 1e-9);
  }
  if (line == "regs system") return system_text(cpu);
  if (line.starts_with("pagewalk ")) {
    const std::uint64_t address = std::strtoull(std::string(line.substr(9)).c_str(), nullptr, 0);
    return to_text(walk_pages(cpu, machine.memory(), address), address);
  }
  if (line == "linux-base") {
    const auto kernel = find_linux(cpu, machine.memory());
    return kernel.ok() ? Result<std::string>(to_text(kernel.value())) : kernel.error();
  }
  if (line.starts_with("linux-symbols ")) {
    return save_linux_symbols(cpu, machine.memory(), std::string(line.substr(14)));
  }
  return std::nullopt;
}

}  // namespace lockstitch::debug
