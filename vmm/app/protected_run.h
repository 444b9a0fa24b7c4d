// The core's side of a replica for as long as it has one machine: leading it, or receiving it, following and perhaps
// taking over. What is to be done next are the orders on the desk.
#pragma once
#include <optional>

#include "lockstitch/result.h"
#include "sync/peer/desk.h"
#include "sync/tape/replay_cursor.h"
#include "vmm/app/join_source.h"
#include "vmm/app/session.h"
#include "vmm/app/shadow_sink.h"
#include "vmm/gdb/listener.h"

namespace lockstitch::app {

class ProtectedRun {
 public:
  enum class Life : std::uint8_t {
    guest_ended,  ///< end() says how
    discarded,    ///< the machine was not ours any more
    asked_to_end,
  };

  /// `debuggers`: where one may connect and hold a follower; null: nowhere.
  ProtectedRun(Session& session, sync::Desk& desk, gdb::Listener* debuggers)
      : session_(session), desk_(desk), debuggers_(debuggers) {}

  /// From where the machine stands.
  Life lead();
  /// A machine that was just made becomes the leader's, and follows.
  Life receive();

  const std::optional<End>& end() const { return end_; }

 private:
  std::optional<Life> obey();
  Life follow();
  Life follow_to_the_end(const End& end, ShadowSink& shadow);
  Life take_over(sync::ReplayCursor& cursor, Source& source, Sink& sink, ShadowSink& shadow);
  Life ended(const End& end);
  Life wait_for_discard(const std::string& why);
  Life hold_for(gdb::Wire& debugger);
  void announce();
  void rest(std::uint64_t worked_ns);
  void show();
  Machine& machine() { return session_.machine(); }

  Session& session_;
  sync::Desk& desk_;
  gdb::Listener* const debuggers_;
  std::optional<JoinSource> join_;
  bool frozen_ = false;
  bool asked_to_take_over_ = false;
  std::optional<world::HostNs> heard_at_;  ///< when the leader's last entries came
  std::optional<End> end_;
};

}  // namespace lockstitch::app
