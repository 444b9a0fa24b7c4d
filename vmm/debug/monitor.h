// What a person asks of a recorded machine beyond gdb's own commands: `monitor when`, `goto`, `find-write` and so on.
// Also the moves themselves, because an instruction trace is written on the way. Not here: gdb's protocol (vmm/gdb).
#pragma once
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/debug/console_log.h"
#include "vmm/debug/timeline.h"

namespace lockstitch::debug {

class Monitor {
 public:
  using Interrupted = Timeline::Interrupted;

  /// `ports`: names of port 1, 2, ...
  Monitor(Machine& machine, Timeline& timeline, const ConsoleLog& console, std::vector<std::string> ports);
  ~Monitor();

  /// What the machine's screen shows now, as text; and as a picture in a file.
  struct ScreenViews {
    std::function<Result<std::string>()> text;
    std::function<Outcome(const std::string& path)> to_file;
  };
  /// Without it, or with empty functions, there is no screen.
  void set_screen(ScreenViews screen) { screen_ = std::move(screen); }

  /// The text for the person. Fails: a sentence.
  Result<std::string> command(std::string_view line, const Interrupted& interrupted);

  /// As the timeline's, and with a trace of every instruction if one was asked for.
  Arrived step(const WatchSet& set, const Interrupted& interrupted);
  Arrived run(const WatchSet& set, const Interrupted& interrupted);

 private:
  using Words = std::vector<std::string>;
  struct Command {
    const char* name;
    const char* arguments;
    const char* help;
    Result<std::string> (Monitor::*run)(const Words& words, const Interrupted& interrupted);
  };
  static const std::vector<Command>& commands();

  Result<std::string> help(const Words&, const Interrupted&);
  Result<std::string> when(const Words&, const Interrupted&);
  Result<std::string> go_to(const Words& words, const Interrupted& interrupted);
  Result<std::string> checkpoint(const Words&, const Interrupted&);
  Result<std::string> restart(const Words& words, const Interrupted& interrupted);
  Result<std::string> back(const Words&, const Interrupted& interrupted);
  Result<std::string> events(const Words& words, const Interrupted&);
  Result<std::string> find_write(const Words& words, const Interrupted& interrupted);
  Result<std::string> find_exec(const Words& words, const Interrupted& interrupted);
  Result<std::string> console(const Words& words, const Interrupted&);
  Result<std::string> screen(const Words& words, const Interrupted&);
  Result<std::string> screenshot(const Words& words, const Interrupted&);
  Result<std::string> registers(const Words& words, const Interrupted&);
  Result<std::string> walk(const Words& words, const Interrupted&);
  Result<std::string> log(const Words& words, const Interrupted&);
  Result<std::string> linux_base(const Words&, const Interrupted&);
  Result<std::string> linux_symbols(const Words& words, const Interrupted&);

  std::string place() const;
  Result<std::string> arrived(Arrived how, std::string text) const;
  Result<std::string> look_back(const WatchSet& set, std::string_view what, const Interrupted& interrupted);
  void write_step(const CpuState& before, Boundary begin);

  Machine& machine_;
  Timeline& timeline_;
  const ConsoleLog& console_;
  const std::vector<std::string> ports_;
  ScreenViews screen_;
  std::map<unsigned, Boundary> checkpoints_;
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> log_;
};

}  // namespace lockstitch::debug
