// See doctor_command.h.
#include "vmm/app/doctor_command.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "vmm/app/flag_parser.h"
#include "vmm/engine/kvm/verdict.h"

namespace lockstitch::app {

namespace {

struct Row {
  const char* key;   ///< in JSON
  const char* what;  ///< for people
  const kvm::Finding* finding;
};

std::vector<Row> rows_of(const kvm::Report& report) {
  return {{"system_call", "SYSCALL enters ring 0", &report.system_call},
          {"kernel_instructions", "ring 0 has all instructions", &report.kernel_instructions},
          {"tsc_offset", "TSC apart from the host's", &report.tsc_offset},
          {"tsc_scaling", "TSC of another rate", &report.tsc_scaling},
          {"branch_counter", "exact count of branches", &report.branch_counter},
          {"kernel_steps", "single steps in ring 0", &report.kernel_steps},
          {"user_steps", "single steps in ring 3", &report.user_steps},
          {"user_breakpoint", "breakpoints in ring 3", &report.user_breakpoint},
          {"dirty_log", "log of written pages", &report.dirty_log},
          {"register_sharing", "registers with the exit", &report.register_sharing}};
}

std::string speed(std::uint64_t per_second) {
  return per_second == 0 ? "does not run" : fmt::format("{} million instructions/s", per_second / 1'000'000);
}

void line(const std::string& what, const std::string& value) { fmt::print("  {:<30}{}\n", what, value); }

void show(const kvm::Report& report, const kvm::Verdict& verdict) {
  fmt::print("KVM\n");
  line("API version", std::to_string(report.api_version));
  line("backend", std::string(name_of(report.backend)));
  line("ring 0", speed(report.kernel_speed));
  line("ring 3", speed(report.user_speed));
  line("an exit and back", report.exit_ns == 0 ? "not measured" : fmt::format("{} ns", report.exit_ns));
  for (const Row& row : rows_of(report)) {
    const std::string detail = row.finding->detail.empty() ? "" : ": " + row.finding->detail;
    line(row.what, (row.finding->holds ? "yes" : "no") + detail);
  }
  fmt::print("  {}\n", verdict.sound ? "It could run unmodified guests at the speed of the processor."
                                     : "It cannot run unmodified guests:");
  for (const std::string& fault : verdict.faults) fmt::print("    - {}\n", fault);
  for (const std::string& cure : verdict.cures) fmt::print("  Cure: {}.\n", cure);
}

/// What each command would use here.
struct Use {
  const char* key;
  const char* what;
  std::string engine;
  std::string why;
};

std::vector<Use> uses_of(const Result<kvm::Report>& report, const kvm::Verdict& verdict) {
  const std::string no_kvm = report.ok() ? "" : report.error().text;
  const std::string fault = verdict.faults.empty() ? no_kvm : verdict.faults.front();
  const auto kvm_or_none = [&](const kvm::Finding& way) {
    return std::pair(std::string(way.holds ? "kvm" : "none"), report.ok() ? way.detail : no_kvm);
  };
  const auto [boundary, boundary_why] = kvm_or_none(verdict.boundary);
  const auto [stepping, stepping_why] = kvm_or_none(verdict.stepping);
  const auto [counting, counting_why] = kvm_or_none(verdict.counting);
  return {
      {"run", "run --engine auto", verdict.sound ? "kvm" : "interp", verdict.sound ? "its self-test passed" : fault},
      {"record", "record, protect, --gdb", "interp", "exact on every host, with or without KVM"},
      {"boundary", "--engine kvm --ticks exits", boundary, boundary_why},
      {"stepping", "--ticks instructions", stepping, stepping_why},
      {"counting", "by retired branches", counting, counting_why}};
}

void show_engines(const std::vector<Use>& uses) {
  fmt::print("Engines\n");
  for (const Use& use : uses) line(use.what, use.engine + (use.why.empty() ? "" : ": " + use.why));
}

nlohmann::ordered_json to_json(const kvm::Report& report, const kvm::Verdict& verdict) {
  nlohmann::ordered_json json;
  json["api_version"] = report.api_version;
  json["backend"] = name_of(report.backend);
  json["kernel_instructions_per_second"] = report.kernel_speed;
  json["user_instructions_per_second"] = report.user_speed;
  json["exit_ns"] = report.exit_ns;
  for (const Row& row : rows_of(report))
    json[row.key] = {{"holds", row.finding->holds}, {"detail", row.finding->detail}};
  json["sound"] = verdict.sound;
  json["faults"] = verdict.faults;
  json["cures"] = verdict.cures;
  return json;
}

}  // namespace

Result<int> doctor(const std::vector<std::string>& arguments) {
  bool as_json = false;
  std::string device = "/dev/kvm";
  CLI::App app(wrapped("Try out what this host can do for guests: tiny guests run on its KVM, and what they do is "
                       "compared with what processors do. Takes a second, changes nothing."),
               "lockstitch doctor");
  app.add_flag("--json", as_json, "as one line of JSON");
  app.add_option("--kvm", device, "another device than /dev/kvm")->type_name("FILE");
  const auto parsed = parse_flags(app, arguments, "it takes no arguments");
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) {
    fmt::print("{}", app.help());
    return 0;
  }
  const auto report = kvm::probe(device);
  const kvm::Verdict verdict = report.ok() ? kvm::judge(report.value()) : kvm::Verdict{};
  const std::vector<Use> uses = uses_of(report, verdict);
  if (as_json) {
    nlohmann::ordered_json json;
    json["kvm"] =
        report.ok() ? to_json(report.value(), verdict) : nlohmann::ordered_json{{"missing", report.error().text}};
    for (const Use& use : uses) json["engines"][use.key] = {{"engine", use.engine}, {"why", use.why}};
    fmt::print("{}\n", json.dump());
    return 0;
  }
  if (report.ok()) {
    show(report.value(), verdict);
  } else {
    fmt::print("KVM\n  {}\n", report.error().text);
  }
  show_engines(uses);
  return 0;
}

}  // namespace lockstitch::app
