// A guest in a hundred lines: a hash that moves on with every tick, and a database, its disk, to which every request of
// a client appends a row and is answered. A pure function of its beginning and its arrivals, as the real machine is.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "lockstitch/sink.h"
#include "lockstitch/source.h"
#include "sync/tape/probe.h"

namespace lockstitch::sim {

using RequestId = std::uint32_t;
/// Asks the guest to switch itself off. Others count from 1.
inline constexpr RequestId power_off = 0xffff'ffff;

/// Of a host; survives its processes. Rows are there the moment they are appended.
struct Disk {
  std::vector<RequestId> rows;
  std::uint64_t sum = 0;
  void append(RequestId row);
};

/// What an effect carries.
struct Payload {
  std::uint64_t value = 0;
  RequestId answers = 0;  ///< 0: nobody
  bool last = false;      ///< the guest ends with it
  friend bool operator==(const Payload&, const Payload&) = default;
};
Payload payload_of(Bytes bytes);

class ToyMachine final : public sync::Probe {
 public:
  static constexpr PortId port{1};
  static constexpr std::uint64_t digest_every_ticks = 32;

  /// Power-on. `life`: no two are alike.
  ToyMachine(std::uint64_t life, Disk& disk);
  /// As saved; `disk` is overwritten.
  ToyMachine(Bytes saved, Disk& disk);
  std::vector<std::uint8_t> save() const;

  /// Visits one tick. False: the source's horizon, or it has ended.
  bool step(Source& source, Sink& sink);

  Tick tick() const { return tick_; }
  std::uint64_t life() const { return life_; }
  bool ended() const { return ended_; }
  /// Of everything, the disk included.
  std::uint64_t sum() const;
  Digest digest() const { return {state_, sum()}; }

  sync::Position position() override { return {static_cast<std::uint32_t>(state_)}; }
  std::vector<std::uint8_t> state() override;
  std::vector<std::uint64_t> memory_sums() override { return {disk_.sum}; }
  std::string memory_part(std::size_t) override { return "disk"; }

 private:
  void take(const Arrival& arrival);
  void emit(Sink& sink, RequestId answers, bool last);

  Disk& disk_;
  std::uint64_t life_ = 0, state_ = 0, ordinal_ = 0;
  Tick tick_;
  struct Answer {
    std::uint64_t tick = 0;
    RequestId request = 0;
  };
  std::deque<Answer> answers_;  ///< due at their ticks
  std::uint64_t ends_at_ = ~std::uint64_t{0};
  bool ended_ = false;
};

}  // namespace lockstitch::sim
