// gdb's remote serial protocol, spoken to one debugger about one target with one thread. Unknown packets get the empty
// answer, malformed ones an error; neither does harm. Source: gdb manual, Remote Protocol.
#pragma once
#include <map>
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
    gone       ///< the connection is over, or the program is to end
  };

  Stub(Target& target, Wire& wire);
  /// Until the debugger leaves in one way or another. The target is told that it has.
  Ended serve();

 private:
  void handle(std::string_view packet);
  void answer(std::string_view contents);
  void fail(std::string_view why);
  void tell(const std::string& text);
  void tell_notes();
  bool interrupted();

  void resume(const Resume& how, std::optional<std::uint64_t> at = std::nullopt);
  std::string stop_text(const Stop& stop) const;
  void report(const Stop& stop);
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
  void search(std::string_view request);
  void sum(std::string_view request);
  bool accept(Result<std::string> note);
  CodeMode mode();
  void update_watched();

  /// What gdb has set, and how often it did.
  struct Set {
    char type = '0';
    std::uint64_t address = 0, kind = 0;
    friend auto operator<=>(const Set&, const Set&) = default;
  };

  Target& target_;
  Wire& wire_;
  PacketReader reader_;
  std::string last_sent_;
  std::string notes_;  ///< for the person, at the next opportunity
  std::string last_stop_ = "T05thread:1;";
  std::map<Set, unsigned> sets_;
  bool acknowledges_ = true, errors_have_text_ = false, tells_breakpoints_ = false;
  bool physical_ = false;
  bool may_print_ = false;  ///< gdb listens to O packets now
  std::optional<CodeMode> forced_mode_;
  CodeMode described_ = CodeMode::code64;
  std::optional<Ended> ended_;
};

}  // namespace lockstitch::gdb
