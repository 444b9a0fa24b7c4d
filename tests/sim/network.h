// The link between the two hosts: connections of two ordered directions, as TCP gives them. What is sent while a
// direction is cut waits and arrives when it is mended, unless the connection was closed meanwhile.
#pragma once
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include "sync/replica/message.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/random.h"
#include "tests/sim/scenario.h"

namespace lockstitch::sim {

struct Dialed {};    ///< the dialer is there
struct Accepted {};  ///< the other side has taken the connection
struct Closed {};
using Packet = std::variant<Dialed, Accepted, Closed, sync::Message>;

class Connection {
 public:
  explicit Connection(std::uint64_t n) : number(n) {}
  const std::uint64_t number;

 private:
  friend class Network;
  struct Sent {
    HostTime due = 0;
    Packet packet;
  };
  std::array<std::deque<Sent>, 2> ways_;  ///< by sender
  std::array<HostTime, 2> last_due_{};
  std::array<bool, 2> planned_{};         ///< the delivery of the first of a way is an event
  std::array<bool, 2> open_{true, true};  ///< by side
};

class Network {
 public:
  /// To the host `to`: a packet of a connection, which it has not closed.
  using Deliver = std::function<void(unsigned to, const std::shared_ptr<Connection>&, Packet)>;

  Network(EventQueue& queue, Random& random, const Scenario& scenario, Deliver deliver)
      : queue_(queue), random_(random), scenario_(scenario), deliver_(std::move(deliver)) {}

  std::shared_ptr<Connection> dial(unsigned from);
  void send(const std::shared_ptr<Connection>& connection, unsigned from, Packet packet);
  /// What is on its way from this side may be lost from any point on; the other side learns of it at the end.
  void close(const std::shared_ptr<Connection>& connection, unsigned side);
  /// The host has lost its power: silence. With `reset` the other side learns now.
  void vanish(const std::shared_ptr<Connection>& connection, unsigned side, bool reset);

  void cut(unsigned from) { ++cuts_[from]; }
  void mend(unsigned from);
  void slow(HostTime until) { slow_until_ = std::max(slow_until_, until); }
  bool is_cut(unsigned from) const { return cuts_[from] > 0; }

 private:
  void plan(const std::shared_ptr<Connection>& connection, unsigned from);
  void arrive(const std::shared_ptr<Connection>& connection, unsigned from);

  EventQueue& queue_;
  Random& random_;
  const Scenario& scenario_;
  Deliver deliver_;
  std::uint64_t dialed_ = 0;
  std::array<unsigned, 2> cuts_{};  ///< by sender; cuts overlap
  HostTime slow_until_ = 0;
  std::vector<std::weak_ptr<Connection>> connections_;
};

}  // namespace lockstitch::sim
