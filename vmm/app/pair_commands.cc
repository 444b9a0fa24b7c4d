// See pair_commands.h.
#include "vmm/app/pair_commands.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "vmm/app/flag_parser.h"
#include "vmm/app/message.h"
#include "vmm/app/pair_text.h"
#include "vmm/world/control_socket.h"

namespace lockstitch::app {

namespace {

constexpr unsigned watch_every_us = 500'000, look_every_us = 20'000;
/// Unit: s. A switch of roles takes a fraction of one.
constexpr int switch_limit_s = 15;

std::string socket_of(const std::string& place) {
  struct stat info {};
  return ::stat(place.c_str(), &info) == 0 && S_ISDIR(info.st_mode) ? place + "/control" : place;
}

Result<std::string> ask(const std::string& place, const std::string& command) {
  auto answer = world::ask_control_socket(socket_of(place), command);
  if (!answer.ok()) return answer.error();
  if (!answer.value()) {
    return Error{ExitCode::missing_input,
                 fmt::format("no replica answers at '{}'; name the folder that was given as --state", place)};
  }
  if (answer.value()->starts_with("error ")) return Error{ExitCode::unavailable, answer.value()->substr(6)};
  return *answer.value();
}

struct Flags {
  std::string place;
  bool json = false, watch = false, help = false;
};

Result<Flags> read(const std::vector<std::string>& arguments, const char* name, const char* purpose, bool has_views) {
  Flags flags;
  CLI::App app(purpose, fmt::format("lockstitch {}", name));
  app.add_option("STATE", flags.place, "the replica's state folder, or its control socket");
  if (has_views) {
    app.add_flag("--json", flags.json, "as one line of JSON");
    app.add_flag("--watch", flags.watch, "again and again, until interrupted");
  }
  const auto parsed = parse_flags(app, arguments, "one replica is asked at a time");
  if (!parsed.ok()) return parsed.error();
  flags.help = !parsed.value();
  if (flags.help) fmt::print("{}", app.help());
  if (!flags.help && flags.place.empty()) {
    return Error{ExitCode::usage, "a replica is missing; name the folder that was given to it as --state"};
  }
  return flags;
}

Result<int> switch_roles(const std::vector<std::string>& arguments, const char* command, const char* purpose) {
  const auto flags = read(arguments, command, purpose, false);
  if (!flags.ok()) return flags.error();
  if (flags.value().help) return 0;
  const std::string& place = flags.value().place;
  const auto start = std::chrono::steady_clock::now();
  if (const auto asked = ask(place, command); !asked.ok()) return asked.error();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  bool left = false;
  while (seconds() < switch_limit_s) {
    const auto now = ask(place, "status");
    if (!now.ok()) return now.error();
    const std::string& status = now.value();
    const auto is = [&](const char* role) {
      return status.find(fmt::format("\"role\":\"{}\"", role)) != std::string::npos;
    };
    if (!left && (is("standby") || is("joining") || is("following"))) {
      left = true;
      say(fmt::format("the peer leads after {:.0f} ms", seconds() * 1000));
    }
    if (left && is("following")) {
      say(fmt::format("redundancy is back after {:.1f} s", seconds()));
      return 0;
    }
    if (!left && is("paired") && seconds() > 0.2) {
      return Error{ExitCode::unavailable, "the peer did not take over; see `lockstitch status`"};
    }
    ::usleep(look_every_us);
  }
  return Error{ExitCode::unavailable,
               fmt::format("after {} s the roles are not yet what they should be; see `lockstitch "
                           "status`",
                           switch_limit_s)};
}

}  // namespace

Result<int> status(const std::vector<std::string>& arguments) {
  const auto flags = read(arguments, "status", "Show what a replica of a protected guest is doing.", true);
  if (!flags.ok()) return flags.error();
  if (flags.value().help) return 0;
  do {
    const auto answer = ask(flags.value().place, "status");
    if (!answer.ok()) return answer.error();
    if (flags.value().json) {
      fmt::print("{}\n", answer.value());
    } else {
      const auto text = status_for_people(answer.value());
      if (!text.ok()) return text.error();
      fmt::print("{}", text.value());
    }
    std::fflush(stdout);
    if (flags.value().watch) ::usleep(watch_every_us);
  } while (flags.value().watch);
  return 0;
}

Result<int> failover(const std::vector<std::string>& arguments) {
  return switch_roles(arguments, "failover",
                      "Let the follower of this leader take over, without a pause that anybody notices; this replica "
                      "then follows.");
}

Result<int> test_failover(const std::vector<std::string>& arguments) {
  return switch_roles(arguments, "test-failover",
                      "Play dead: this leader falls silent, its follower takes over as if this host had failed, and "
                      "redundancy comes back by itself.");
}

}  // namespace lockstitch::app
