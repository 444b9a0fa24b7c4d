// See trace_command.h.
#include "vmm/app/trace_command.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "sync/log/entry_text.h"
#include "sync/trace/pack.h"
#include "vmm/app/entry_json.h"
#include "vmm/app/flag_parser.h"
#include "vmm/app/message.h"
#include "vmm/app/open_trace.h"
#include "vmm/app/suggestion.h"
#include "vmm/app/trace_instructions.h"
#include "vmm/app/trace_stats.h"

namespace lockstitch::app {

const std::string_view trace_help =
    "Look at traces without running them.\n"
    "\n"
    "usage: lockstitch trace show TRACE [--from TICK] [--to TICK] [--json]   the entries, one a line\n"
    "       lockstitch trace stats TRACE [--json]                            what it holds, counted\n"
    "       lockstitch trace verify TRACE [--images DIR] [--json]            every checksum of log, checkpoints, "
    "images\n"
    "       lockstitch trace diff TRACE TRACE                                the first difference of two recordings\n"
    "       lockstitch trace instructions TRACE --from TICK --to TICK        every instruction, one a line\n"
    "                        [--symbols FILE|linux] [--format text|json]\n"
    "       lockstitch trace pack TRACE -o FILE [--images DIR]               one file with all that a replay needs\n"
    "       lockstitch trace unpack FILE -o DIR\n"
    "\n"
    "TRACE is a folder made by `lockstitch record` or a file made by `lockstitch trace pack`. The exit code is 0, 65 "
    "for\n"
    "a damaged trace, 66 for a missing one, and 81 when two recordings differ.\n";

namespace {

struct Wish {
  std::vector<std::string> traces;
  std::string from, to, output;
  std::vector<std::string> images;
  std::string symbols, format = "text";
  bool json = false;
};

Outcome print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size()) return success();
  return Error{ExitCode::world, "the standard output takes no more"};
}

Result<Tick> tick_of(const std::string& flag, const std::string& text, Tick otherwise) {
  if (text.empty()) return otherwise;
  const auto tick = parse_whole_number(text);
  if (!tick.ok()) return Error{ExitCode::usage, fmt::format("--{}: {}", flag, tick.error().text)};
  return Tick{tick.value()};
}

Result<int> end_of(const LogSurvey& survey) {
  if (survey.damage) return *survey.damage;
  if (!survey.cut.empty()) say(survey.cut);
  return 0;
}

Result<int> show(const Wish& wish) {
  const auto from = tick_of("from", wish.from, Tick{});
  if (!from.ok()) return from.error();
  const auto to = tick_of("to", wish.to, tick_never);
  if (!to.ok()) return to.error();
  const auto trace = OpenTrace::open(wish.traces[0]);
  if (!trace.ok()) return trace.error();
  const auto& ports = trace.value()->header().board.ports;
  Outcome printed = success();
  const auto survey = trace.value()->survey([&](const sync::Entry& entry) {
    if (entry.tick < from.value() || entry.tick > to.value() || !printed.ok()) return;
    printed = print((wish.json ? to_json(entry, ports) : sync::to_text(entry, ports)) + "\n");
  });
  if (!survey.ok()) return survey.error();
  if (!printed.ok()) return printed.error();
  return end_of(survey.value());
}

Result<int> stats(const Wish& wish) {
  const auto trace = OpenTrace::open(wish.traces[0]);
  if (!trace.ok()) return trace.error();
  const auto counted = count(*trace.value());
  if (!counted.ok()) return counted.error();
  const Outcome printed =
      print(wish.json ? to_json(counted.value(), *trace.value()) : to_text(counted.value(), *trace.value()));
  if (!printed.ok()) return printed.error();
  return 0;
}

/// Collects what was verified, for people at once and for scripts at the end.
class Verdict {
 public:
  explicit Verdict(bool json) : json_(json) {}

  void add(const std::string& what, const Outcome& outcome, const std::string& remark = "") {
    report_.push_back({{"what", what}, {"ok", outcome.ok()}, {"remark", outcome.ok() ? remark : outcome.error().text}});
    if (!outcome.ok()) worst_ = outcome.error().code;
    if (json_) return;
    fmt::print("{:<28} {}\n", what, outcome.ok() ? (remark.empty() ? "ok" : "ok: " + remark) : outcome.error().text);
  }

  int finish() const {
    if (json_) fmt::print("{}\n", report_.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return static_cast<int>(worst_);
  }

 private:
  const bool json_;
  nlohmann::ordered_json report_ = nlohmann::ordered_json::array();
  ExitCode worst_ = ExitCode::ok;
};

Result<int> verify(const Wish& wish) {
  const auto opened = OpenTrace::open(wish.traces[0]);
  if (!opened.ok()) return opened.error();
  const OpenTrace& trace = *opened.value();
  Verdict verdict(wish.json);
  verdict.add("header", success());
  const auto survey = trace.survey();
  if (!survey.ok()) {
    verdict.add("log", survey.error());
  } else if (survey.value().damage) {
    verdict.add("log", *survey.value().damage);
  } else {
    verdict.add("log", success(), survey.value().cut);
  }
  for (const sync::CheckpointListing& listing : trace.checkpoints()) {
    const auto file = sync::CheckpointFile::open(listing.path, trace.identity());
    verdict.add(fmt::format("checkpoint {}", listing.tick.value), file.ok() ? file.value().verify() : file.error());
  }
  for (const sync::ImageReference& image : trace.header().images) {
    const auto found = trace.folder().find_image(image, wish.images);
    verdict.add(image.role, found.ok() ? success() : Outcome(found.error()), found.ok() ? found.value() : "");
  }
  return verdict.finish();
}

/// Inputs and digests: what a machine is given and what it is. The rest depends on when a recorder wrote.
bool counts(const sync::Entry& entry) {
  return !std::holds_alternative<sync::HorizonEntry>(entry.body) &&
         !std::holds_alternative<sync::MarkEntry>(entry.body);
}

Result<std::optional<sync::Entry>> next_that_counts(sync::LogReader& reader) {
  for (;;) {
    auto next = reader.next();
    if (!next.ok() || !next.value() || counts(*next.value())) return next;
  }
}

Result<int> diff(const Wish& wish) {
  const auto left = OpenTrace::open(wish.traces[0]);
  if (!left.ok()) return left.error();
  const auto right = OpenTrace::open(wish.traces[1]);
  if (!right.ok()) return right.error();
  auto left_log = left.value()->read_log();
  if (!left_log.ok()) return left_log.error();
  auto right_log = right.value()->read_log();
  if (!right_log.ok()) return right_log.error();
  std::string before = "the beginning";
  for (std::uint64_t number = 0;; ++number) {
    const auto a = next_that_counts(left_log.value());
    if (!a.ok()) return a.error();
    const auto b = next_that_counts(right_log.value());
    if (!b.ok()) return b.error();
    const auto text = [](const std::optional<sync::Entry>& entry, const OpenTrace& trace) {
      return entry ? to_json(*entry, trace.header().board.ports) : std::string("the log ends");
    };
    const std::string a_text = text(a.value(), *left.value()), b_text = text(b.value(), *right.value());
    if (a_text != b_text) {
      fmt::print("The recordings differ at entry {}, behind {}:\n< {}\n> {}\n", number, before, a_text, b_text);
      return static_cast<int>(ExitCode::divergence);
    }
    if (!a.value()) {
      fmt::print("The recordings have the same {} entries.\n", number);
      return 0;
    }
    before = fmt::format("tick {}", a.value()->tick.value);
  }
}

sync::PackProgress pack_progress() {
  return [](std::uint64_t done, std::uint64_t total) {
    if (!::isatty(STDERR_FILENO)) return;
    fmt::print(stderr, "\rlockstitch: {} of {} MiB\x1b[K", done >> 20, total >> 20);
    if (done == total) fmt::print(stderr, "\r\x1b[K");
  };
}

Result<int> pack(const Wish& wish) {
  if (wish.output.empty()) return Error{ExitCode::usage, "a packed trace needs a file; name one with -o FILE"};
  const auto trace = OpenTrace::open(wish.traces[0]);
  if (!trace.ok()) return trace.error();
  const Outcome packed = sync::pack_trace(trace.value()->folder(), trace.value()->header().images, wish.images,
                                          wish.output, pack_progress());
  if (!packed.ok()) return packed.error();
  return 0;
}

Result<int> unpack(const Wish& wish) {
  if (wish.output.empty()) return Error{ExitCode::usage, "the trace needs a folder; name one with -o DIR"};
  const Outcome unpacked = sync::unpack_trace(wish.traces[0], wish.output, pack_progress());
  if (!unpacked.ok()) return unpacked.error();
  return 0;
}

Result<int> instructions(const Wish& wish) {
  return trace_instructions({wish.traces[0], wish.from, wish.to, wish.symbols, wish.format, wish.images});
}

struct Verb {
  std::string_view name;
  std::size_t traces;
  Result<int> (*run)(const Wish& wish);
};
constexpr std::array verbs{Verb{"show", 1, show},
                           Verb{"stats", 1, stats},
                           Verb{"verify", 1, verify},
                           Verb{"diff", 2, diff},
                           Verb{"pack", 1, pack},
                           Verb{"unpack", 1, unpack},
                           Verb{"instructions", 1, instructions}};

void add_flags(CLI::App& app, Wish& wish, std::string_view verb) {
  app.add_option("TRACE", wish.traces, "traces")->expected(0, -1);
  if (verb == "instructions") {
    app.add_option("--from", wish.from, "the first tick; replayed from the latest checkpoint before it")
        ->type_name("TICK");
    app.add_option("--to", wish.to, "the tick behind the last instruction")->type_name("TICK");
    app.add_option("--symbols", wish.symbols,
                   "a System.map, an ELF file, or `linux`: what the guest's kernel knows of itself")
        ->type_name("FILE");
    app.add_option("--format", wish.format, "text or json")->type_name("FORMAT");
    add_images_flag(app, wish.images);
  }
  if (verb == "show") {
    app.add_option("--from", wish.from, "the first tick to show")->type_name("TICK");
    app.add_option("--to", wish.to, "the last tick to show")->type_name("TICK");
  }
  if (verb == "pack" || verb == "unpack") {
    app.add_option("-o,--output", wish.output, "what is made")->type_name("PATH");
  } else if (verb != "diff" && verb != "instructions") {
    app.add_flag("--json", wish.json, "for scripts");
  }
  if (verb == "pack" || verb == "verify") {
    add_images_flag(app, wish.images);
  }
}

}  // namespace

Result<int> trace(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    if (const Outcome printed = print(std::string(trace_help)); !printed.ok()) return printed.error();
    return arguments.empty() ? static_cast<int>(ExitCode::usage) : 0;
  }
  std::vector<std::string_view> names;
  for (const Verb& verb : verbs) names.push_back(verb.name);
  const auto verb = std::find_if(verbs.begin(), verbs.end(), [&](const Verb& v) { return v.name == arguments[0]; });
  if (verb == verbs.end()) {
    return Error{ExitCode::usage,
                 fmt::format("there is no command 'trace {}'{}", arguments[0],
                             did_you_mean(arguments[0], names, "`lockstitch trace --help` lists them"))};
  }
  Wish wish;
  const std::string name = fmt::format("lockstitch trace {}", verb->name);
  CLI::App app("", name);
  add_flags(app, wish, verb->name);
  const auto parsed = parse_flags(app, {arguments.begin() + 1, arguments.end()}, "name fewer traces");
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) {
    fmt::print("{}", app.help());
    return 0;
  }
  if (wish.traces.size() != verb->traces) {
    return Error{ExitCode::usage, fmt::format("`{}` takes {} trace{}, not {}", name, verb->traces,
                                              verb->traces == 1 ? "" : "s", wish.traces.size())};
  }
  return verb->run(wish);
}

}  // namespace lockstitch::app
