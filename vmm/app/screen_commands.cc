// See screen_commands.h.
#include "vmm/app/screen_commands.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "sync/trace/trace_folder.h"
#include "vmm/app/flag_parser.h"
#include "vmm/world/control_socket.h"

namespace lockstitch::app {

namespace {

constexpr const char* where_text = "the folder of a recording or of a replica, or the path of a control socket";

/// One of these commands: its words, and what each is.
struct Form {
  const char* name;
  const char* purpose;
  struct Word {
    const char* name;
    const char* help;
  };
  std::vector<Word> words;
  bool repeats = false;  ///< the last word may be given several times
  std::size_t optional = 0;
};

struct Given {
  std::string where;
  std::vector<std::string> words;
  bool text = false;
};

/// Nothing: help was wanted, and printed.
Result<std::optional<Given>> read(const std::vector<std::string>& arguments, const Form& form, bool has_text = false) {
  Given given;
  CLI::App app(form.purpose, fmt::format("lockstitch {}", form.name));
  app.add_option("WHERE", given.where, where_text);
  std::vector<std::string> shown_only(form.words.size());
  for (std::size_t i = 0; i < form.words.size(); ++i)
    app.add_option(form.words[i].name, shown_only[i], form.words[i].help);
  if (has_text) app.add_flag("--text", given.text, "nothing but the text of a text screen; else it is an error");

  // What is typed may look like a flag, and so may a movement to the left: only WHERE is the library's business.
  const bool takes_flags = has_text || arguments.empty() || arguments[0].starts_with("-");
  const std::size_t own = takes_flags ? arguments.size() : 1;
  const std::vector<std::string> first(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(own));
  given.words.assign(arguments.begin() + static_cast<std::ptrdiff_t>(own), arguments.end());
  const auto parsed = parse_flags(app, first, fmt::format("`lockstitch {} --help` tells what there can be", form.name));
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) {
    fmt::print("{}", app.help());
    return std::optional<Given>();
  }
  if (given.where.empty()) {
    return Error{ExitCode::usage, "a guest is missing; name its recording's folder or its control socket"};
  }
  if (given.words.size() + form.optional < form.words.size()) {
    return Error{ExitCode::usage, fmt::format("{} is missing: {}", form.words[given.words.size()].name,
                                              form.words[given.words.size()].help)};
  }
  if (given.words.size() > form.words.size() && !form.repeats) {
    return Error{ExitCode::usage, fmt::format("'{}' is one argument too many; `lockstitch {} --help` tells what there "
                                              "can be",
                                              given.words[form.words.size()], form.name)};
  }
  return std::optional<Given>(std::move(given));
}

/// What follows "ok", or a whole other answer.
Result<std::string> ask(const std::string& where, const std::string& line) {
  if (line.size() >= world::ControlSocket::line_max_bytes) {
    return Error{ExitCode::usage, fmt::format("that is too long; {} bytes is the most that goes at a time",
                                              world::ControlSocket::line_max_bytes - 64)};
  }
  const auto answer = world::ask_control_socket(control_socket_of(where), line);
  if (!answer.ok()) return answer.error();
  if (!answer.value()) {
    return Error{ExitCode::missing_input,
                 fmt::format("no guest answers at '{}'; name the folder of a recording that runs, or what was given as "
                             "--control",
                             where)};
  }
  const std::string& said = *answer.value();
  if (said.starts_with("error ")) return Error{ExitCode::unavailable, world::from_line(said.substr(6))};
  return said == "ok" ? "" : said.starts_with("ok ") ? world::from_line(said.substr(3)) : said;
}

/// A command that says nothing.
Result<int> ask_quietly(const std::string& where, const std::string& line) {
  const auto done = ask(where, line);
  if (!done.ok()) return done.error();
  return 0;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// Two coordinates, and what is held and turned there.
Result<int> send_pointer(const std::vector<std::string>& arguments, const Form& form) {
  const auto given = read(arguments, form);
  if (!given.ok()) return given.error();
  if (!given.value()) return 0;
  std::vector<std::string> words = given.value()->words;
  if (words.size() == 2) words.emplace_back("0");
  return ask_quietly(given.value()->where, fmt::format("{} {}", form.name, world::to_line(joined(words))));
}

}  // namespace

std::string control_socket_of(const std::string& where) {
  struct stat info {};
  if (::stat(where.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return where;
  // A replica's `control` is the pair's; its guest has another one.
  const std::string guest = where + "/guest";
  if (::stat(guest.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) return guest;
  return sync::TraceFolder(where).control();
}

Result<int> show_screen(const std::vector<std::string>& arguments) {
  static const Form form{"screen", "Print what the screen of a running guest shows.", {}};
  const auto given = read(arguments, form, true);
  if (!given.ok()) return given.error();
  if (!given.value()) return 0;
  const auto shown = ask(given.value()->where, "screen");
  if (!shown.ok()) return shown.error();
  unsigned width = 0, height = 0;
  if (std::sscanf(shown.value().c_str(), "graphics %u %u", &width, &height) == 2) {
    const std::string what = fmt::format("the screen shows graphics, {} by {} pixels", width, height);
    if (given.value()->text) return Error{ExitCode::unavailable, what + "; `lockstitch screenshot` makes a picture"};
    fmt::print("{}; `lockstitch screenshot` makes a picture\n", what);
    return 0;
  }
  fmt::print("{}", shown.value());
  return 0;
}

Result<int> take_screenshot(const std::vector<std::string>& arguments) {
  static const Form form{
      "screenshot", "Write what the screen of a running guest shows as a PNG file.", {{"FILE.png", "the file"}}};
  const auto given = read(arguments, form);
  if (!given.ok()) return given.error();
  if (!given.value()) return 0;
  std::error_code error;
  const auto path = std::filesystem::absolute(given.value()->words[0], error);
  if (error) return Error{ExitCode::unavailable, fmt::format("the current folder is gone ({})", error.message())};
  return ask_quietly(given.value()->where, "screenshot " + world::to_line(path.string()));
}

Result<int> type_into_guest(const std::vector<std::string>& arguments) {
  static const Form form{"type",
                         "Type text on the keyboard of a running guest.",
                         {{"TEXT", "as on an American keyboard; may have lines"}}};
  const auto given = read(arguments, form);
  if (!given.ok()) return given.error();
  if (!given.value()) return 0;
  return ask_quietly(given.value()->where, "type " + world::to_line(given.value()->words[0]));
}

Result<int> press_keys(const std::vector<std::string>& arguments) {
  static const Form form{"press",
                         "Press keys on the keyboard of a running guest.",
                         {{"CHORD...", "keys pressed together, as enter, f8 or ctrl-alt-delete; one after another"}},
                         true};
  const auto given = read(arguments, form);
  if (!given.ok()) return given.error();
  if (!given.value()) return 0;
  for (const std::string& chord : given.value()->words) {
    if (const auto done = ask(given.value()->where, "press " + world::to_line(chord)); !done.ok()) return done.error();
  }
  return 0;
}

Result<int> move_guest_mouse(const std::vector<std::string>& arguments) {
  static const Form form{"mouse",
                         "Move the mouse of a running guest and hold its buttons.",
                         {{"DX", "how far to the right"},
                          {"DY", "how far down"},
                          {"BUTTONS", "held from now on: 1 left, 2 right, 4 middle, or sums; default 0"},
                          {"WHEEL", "how far down; default 0"}},
                         false,
                         2};
  return send_pointer(arguments, form);
}

Result<int> point_in_guest(const std::vector<std::string>& arguments) {
  static const Form form{"point",
                         "Put the pointer of a running guest that has a tablet to a place, and hold its buttons.",
                         {{"X", "from 0, the left edge of the screen, to 32767, the right"},
                          {"Y", "from 0, the upper edge, to 32767, the lower"},
                          {"BUTTONS", "held from now on: 1 left, 2 right, 4 middle, or sums; default 0"},
                          {"WHEEL", "how far down; default 0"}},
                         false,
                         2};
  return send_pointer(arguments, form);
}

Result<int> eject_medium(const std::vector<std::string>& arguments) {
  static const Form form{"eject", "Open the CD-ROM drive of a running guest.", {}};
  const auto given = read(arguments, form);
  if (!given.ok()) return given.error();
  if (!given.value()) return 0;
  return ask_quietly(given.value()->where, "eject");
}

Result<int> insert_medium(const std::vector<std::string>& arguments) {
  static const Form form{"insert",
                         "Put a medium into the CD-ROM drive of a running guest.",
                         {{"N", "which of those that it was started with, counted from 0 on"}}};
  const auto given = read(arguments, form);
  if (!given.ok()) return given.error();
  if (!given.value()) return 0;
  return ask_quietly(given.value()->where, "insert " + world::to_line(given.value()->words[0]));
}

}  // namespace lockstitch::app
