// `--net`: what the guest's network card is connected to.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lockstitch/result.h"
#include "vmm/app/item.h"
#include "vmm/app/pc_model.h"
#include "vmm/world/user_net.h"

namespace lockstitch::app {

struct NetworkSetting {
  enum class Kind : std::uint8_t {
    none,       ///< no network card
    unplugged,  ///< a card that leads nowhere: what a replay or a continued checkpoint has at first
    user,
    tap,
  };

  Kind kind = Kind::none;
  std::string tap;
  std::vector<world::Forward> forwards;
  /// Locally administered and always the same, for the machine must not differ from run to run.
  std::array<std::uint8_t, 6> mac{0x02, 'L', 'S', 0, 0, 1};

  std::optional<NetworkCard> card;  ///< nothing said: virtio with a kernel, otherwise e1000

  Outcome apply(const Item& item);
  Outcome complete() const;

  /// Of all items that apply() knows.
  static std::span<const std::string_view> keys();

 private:
  Outcome choose(Kind chosen);
};

/// `none`, `user[,forward=...]` or `tap=NAME`; each with `[,mac=...][,card=virtio|e1000]`
Result<NetworkSetting> parse_network(const std::string& text);

/// `tcp:[ADDR]:PORT-:GUEST_PORT`, or udp.
Result<world::Forward> parse_forward(const std::string& text);

/// Six hexadecimal bytes with colons. Fails: also for a group address, which no card may have.
Result<std::array<std::uint8_t, 6>> parse_mac(const std::string& text);

}  // namespace lockstitch::app
