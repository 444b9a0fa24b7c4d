// gdb's remote serial protocol, spoken to one debugger about one target with one thread. Unknown packets get the empty
// answer, malformed ones `E01`, or `E.` and a sentence where the debugger shows one; neither does harm. Not here: what
// a move or a `monitor` command does (target.h), sockets (listener.h). Source: gdb manual, Remote Protocol.
#pragma once
#include <compare>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "vmm/gdb/packet.h"
#include "vmm/gdb/registers.h"
#include "vmm/gdb/target.h"
#include "vmm/gdb/wire.h"

namespace lockstitch::gdb {

class Stub {
 public:
  enum class Ended : std::uint8_t {
    detached,  ///< the debugger said so
    killed,    ///< the debugger wants the machine to end
    gone,      ///< the connection is over, or the program is to end
  };

  Stub(Target& target, Wire& wire);
  /// Until the debugger leaves in one way or another. The target is told that it has.
  Ended serve();

 private:
  void handle(std::string_view packet);
  void hear(std::string_view bytes);
  void say(std::string_view bytes);
  void answer(std::string_view contents);
  void fail(std::string_view why);
  void fail_in_words(std::string_view why);
  void tell(const std::string& text);
  void tell_notes();
  bool interrupted();

  void resume(const Resume& how);
  void resume_at(Move move, std::string_view address);
  std::string stop_text(const Stop& stop) const;
  void report(const Stop& stop);
  void note_mode();
  bool running_commands(std::string_view packet);
  void resume_by_list(std::string_view actions);
  void registers_all(std::string_view packet);
  void register_one(std::string_view packet);
  void memory(std::string_view packet);
  void write(std::uint64_t address, std::string_view bytes);
  std::uint64_t read(std::uint64_t address, MutableBytes out);
  void breakpoint(std::string_view packet);
  void query(std::string_view packet);
  void set_query(std::string_view packet);
  void supported(std::string_view features);
  void transfer(std::string_view request);
  void command(std::string_view hex);
  void set_mode(std::string_view name);
  void search(std::string_view request);
  void sum(std::string_view request);
  bool accept(Result<std::string> note);
  void update_watched();

  /// A breakpoint or a watched range, as Z and z name it.
  struct Point {
    char type = '0';
    std::uint64_t address = 0, kind = 0;
    friend auto operator<=>(const Point&, const Point&) = default;
  };

  Target& target_;
  Wire& wire_;
  PacketReader reader_;
  std::string last_sent_;
  std::string notes_;  ///< for the person, at the next opportunity
  std::string last_stop_ = "T05thread:1;";
  std::set<Point> points_;
  bool acknowledges_ = true, errors_have_text_ = false, tells_swbreak_ = false, tells_hwbreak_ = false;
  bool physical_ = false;
  /// Of the description that gdb reads next; nothing: what the CPU executes then. 64 at first, because a gdb that has
  /// loaded a 64-bit program takes no other one and lets go of the machine.
  std::optional<CodeMode> wanted_mode_ = CodeMode::code64;
  CodeMode described_ = CodeMode::code64;
  CodeMode noted_ = CodeMode::code64;  ///< what the person knows that the CPU executes
  std::optional<Ended> ended_;
};

}  // namespace lockstitch::gdb
