// A replica's life on the network, on a thread of its own: the state machine with its link, its arbiter, its durable
// standing, the control socket and the metrics. The core and it share a Desk.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "lockstitch/result.h"
#include "sync/log/header.h"
#include "sync/peer/desk.h"
#include "sync/replica/replica.h"

namespace lockstitch::sync {

/// For people, all at one moment.
struct PairStatus {
  std::string name, pair, role, obstacle;
  Term term = 0;
  bool linked = false, frozen = false;
  Tick tick;
  VirtualNs ns;
  std::uint64_t lag_ticks = 0, lag_ns = 0;        ///< of the follower, as its leader sees it
  std::uint64_t log_bytes = 0, log_messages = 0;  ///< to or from the peer, since the link began; the log alone
  std::uint64_t log_bits_per_second = 0;          ///< of the last seconds
  std::uint64_t join_done_bytes = 0, join_total_bytes = 0, blackout_ns = 0;
  Tick released, recorded;  ///< of a leader: effects wait from one to the other
  Tick last_agreement;      ///< of a follower
  std::uint64_t digests_compared = 0;
  std::uint64_t joins = 0, take_overs = 0;
  std::string arbiter, arbiter_trouble, peer_trouble;
  std::uint64_t round_trip_ns = 0;  ///< from a log message to its acknowledgement, the last one
};

struct PairingOptions {
  ReplicaOptions replica;
  std::string pair;
  std::string listen;   ///< address and port on which the peer reaches us
  std::string peer;     ///< where we reach it; empty: it is not dialed
  std::string arbiter;  ///< see arbiter.h
  std::string keys;     ///< folder
  std::string state;    ///< folder
  std::string control;  ///< path of the control socket
  std::string metrics;  ///< address and port of the HTTP server; empty: none
  Header machine;

  // Called on the pairing's thread.
  std::function<void(const Report&, const PairStatus&)> on_event;
  std::function<std::string(const PairStatus&)> status_text, metrics_text;
};

class Pairing {
 public:
  /// Fails: keys, an address that is taken, a state folder that cannot be written, another replica that uses it.
  static Result<std::unique_ptr<Pairing>> open(PairingOptions options, Desk& desk);
  /// Ends the thread. The peer sees the link go down.
  ~Pairing();
  Pairing(const Pairing&) = delete;
  Pairing& operator=(const Pairing&) = delete;

  /// Before any other thread is made: SIGINT and SIGTERM then are ours, and mean: hand over if somebody can, and end.
  static void take_signals();

 private:
  struct Thread;
  explicit Pairing(std::unique_ptr<Thread> thread);
  std::unique_ptr<Thread> thread_;
};

/// What two machines differ in, as a sentence; empty: one can follow the other.
std::string difference(const Header& mine, const Header& theirs);

}  // namespace lockstitch::sync
