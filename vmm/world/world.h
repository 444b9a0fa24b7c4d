// The world thread: one poll loop that serves all endpoints and takes what the core sends. It owns no endpoint and
// knows none by kind.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/world/descriptor.h"
#include "vmm/world/endpoint.h"
#include "vmm/world/outbox.h"

namespace lockstitch::world {

class World {
 public:
  /// Unit: ms. How long stop() waits for consoles that do not take their last bytes.
  static constexpr int last_words_ms = 2000;

  explicit World(Outbox& outbox) : outbox_(outbox) {}
  ~World() { stop(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Before start(). Law 5: an effect leaves when the log up to it is safe. Called on the world's thread whenever
  /// effects wait: those of earlier ticks than it returns may leave, the others are kept; what is kept when the world
  /// stops is thrown away.
  void set_gate(std::function<Tick()> gate) { gate_ = std::move(gate); }
  /// Before start(). The endpoint must live until stop(). Range: one endpoint per port other than control_port.
  void add(Endpoint& endpoint);
  /// Fails: the host gives no eventfd or no thread.
  Outcome start();
  /// After the core's last effect: sends what is left, then ends the thread. Idempotent.
  void stop();

  /// Effects of ports that have no endpoint.
  std::uint64_t unclaimed_effects() const { return unclaimed_effects_; }
  /// All effects of earlier ticks are with their endpoints. At most the gate's tick; the last tick before it is not
  /// counted, for more of it may be on the way here.
  Tick sent_until() const { return {sent_until_.load(std::memory_order_acquire)}; }
  /// Effects that the gate never let out.
  std::uint64_t withheld_effects() const { return withheld_effects_; }

 private:
  void run();
  void turn(int timeout_limit_ms);
  void deliver();
  void send(const Departure& departure);
  bool anything_unsent() const;

  Outbox& outbox_;
  std::vector<Endpoint*> endpoints_;
  Descriptor wake_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> unclaimed_effects_{0};
  std::atomic<std::uint64_t> withheld_effects_{0};
  std::atomic<std::uint64_t> sent_until_{0};
  std::function<Tick()> gate_;

  // Of the world thread; kept for their storage.
  std::vector<pollfd> fds_;
  std::vector<std::size_t> first_fd_;
  std::vector<Departure> departures_;
  std::deque<Departure> held_;
};

}  // namespace lockstitch::world
