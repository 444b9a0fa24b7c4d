// See network.h.
#include "tests/sim/network.h"

#include <algorithm>
#include <utility>

namespace lockstitch::sim {

std::shared_ptr<Connection> Network::dial(unsigned from) {
  std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
  auto connection = std::make_shared<Connection>(++dialed_);
  connections_.push_back(connection);
  send(connection, from, Dialed{});
  return connection;
}

void Network::send(const std::shared_ptr<Connection>& connection, unsigned from, Packet packet) {
  if (!connection->open_[from]) return;
  HostTime due = queue_.now() + scenario_.link_delay + random_.below(scenario_.link_jitter + 1);
  due = std::max({due, connection->last_due_[from], slow_until_});
  connection->last_due_[from] = due;
  connection->ways_[from].push_back({due, std::move(packet)});
  plan(connection, from);
}

void Network::plan(const std::shared_ptr<Connection>& connection, unsigned from) {
  if (connection->planned_[from] || connection->ways_[from].empty()) return;
  connection->planned_[from] = true;
  const HostTime due = connection->ways_[from].front().due;
  queue_.after(due > queue_.now() ? due - queue_.now() : 0, [this, connection, from] { arrive(connection, from); });
}

void Network::arrive(const std::shared_ptr<Connection>& connection, unsigned from) {
  connection->planned_[from] = false;
  auto& way = connection->ways_[from];
  if (way.empty() || is_cut(from)) return;  // mend() plans it anew
  const HostTime now = queue_.now();
  while (!way.empty() && way.front().due <= now) {
    Packet packet = std::move(way.front().packet);
    way.pop_front();
    if (connection->open_[1 - from]) deliver_(1 - from, connection, std::move(packet));
  }
  plan(connection, from);
}

void Network::close(const std::shared_ptr<Connection>& connection, unsigned side) {
  if (!connection->open_[side]) return;
  auto& way = connection->ways_[side];
  if (!way.empty() && random_.chance(300)) way.resize(random_.below(way.size() + 1));
  send(connection, side, Closed{});
  connection->open_[side] = false;
  connection->ways_[1 - side].clear();
}

void Network::vanish(const std::shared_ptr<Connection>& connection, unsigned side, bool reset) {
  auto& way = connection->ways_[side];
  if (reset) {
    way.clear();
    connection->open_[side] = true;
    send(connection, side, Closed{});
  }
  connection->open_[side] = false;
  connection->ways_[1 - side].clear();
}

void Network::mend(unsigned from) {
  if (cuts_[from] == 0 || --cuts_[from] > 0) return;
  for (const auto& weak : connections_) {
    if (const auto connection = weak.lock()) plan(connection, from);
  }
}

}  // namespace lockstitch::sim
