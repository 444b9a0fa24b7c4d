// See guest_requests.h.
#include "vmm/app/guest_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "vmm/app/screen_view.h"
#include "vmm/world/control_socket.h"
#include "vmm/world/keys/key_stroke.h"
#include "vmm/world/mouse_payload.h"

namespace lockstitch::app {

namespace {

constexpr std::uint8_t eject_medium = 0xff;

Error usage(std::string text) { return {ExitCode::usage, std::move(text)}; }

std::string_view next_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "ok" or what is wrong.
Result<std::string> plain(const Outcome& done) {
  if (!done.ok()) return done.error();
  return std::string();
}

}  // namespace

std::string GuestRequests::answer_to(std::string_view line) {
  const std::string_view word = next_word(line);
  if (word == "screen" && parts_.screen != nullptr && !parts_.screen->text()) {
    Picture picture;
    parts_.screen->draw(picture);
    return fmt::format("graphics {} {}", picture.width, picture.height);
  }
  const auto done = do_what(word, line);
  // One line, whatever the names in it are made of.
  if (!done.ok()) return "error " + world::to_line(done.error().text);
  return done.value().empty() ? "ok" : "ok " + world::to_line(done.value());
}

Result<std::string> GuestRequests::do_what(std::string_view word, std::string_view rest) {
  if (word == "checkpoint") {
    if (!checkpoint_) return Error{ExitCode::unavailable, "this guest is not being recorded, so it has no checkpoints"};
    const auto tick = checkpoint_();
    if (!tick.ok()) return tick.error();
    return std::to_string(tick.value().value);
  }
  if (word == "screen") return screen_text(parts_.screen);
  if (word == "screenshot") {
    const std::string path = world::from_line(rest);
    if (!path.starts_with('/')) return usage("the path of a screenshot must be absolute");
    return plain(screen_to_file(parts_.screen, path));
  }
  static constexpr std::array<std::string_view, 6> inputs{"type", "press", "mouse", "point", "eject", "insert"};
  if (std::find(inputs.begin(), inputs.end(), word) == inputs.end()) return usage("this command is not known");
  if (!closed_.empty()) return Error{ExitCode::unavailable, closed_};
  if (word == "type" || word == "press") {
    const auto keys = word == "type" ? world::type_text(world::from_line(rest)) : world::press_chord(rest);
    if (!keys.ok()) return keys.error();
    return plain(send(parts_.keyboard, "keyboard", keys.value()));
  }
  if (word == "mouse") return plain(move_mouse(rest));
  if (word == "point") return plain(point(rest));
  if (word == "eject") return plain(send(parts_.cdrom, "CD-ROM drive", {eject_medium}));
  return plain(insert(rest));
}

Outcome GuestRequests::send(const std::optional<PortId>& port, std::string_view device,
                            const std::vector<std::uint8_t>& payload) {
  if (!port) return Error{ExitCode::unavailable, fmt::format("this machine has no {}", device)};
  for (std::size_t at = 0; at < payload.size(); at += piece_max_bytes) {
    const auto begin = payload.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = payload.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece_max_bytes, payload.size()));
    if (!inbox_.try_push({*port, {}, {begin, end}})) {
      return Error{ExitCode::unavailable,
                   fmt::format("the guest has too much input that waits; {} of {} bytes for its {} were taken", at,
                               payload.size(), device)};
    }
  }
  return success();
}

Outcome GuestRequests::move_mouse(std::string_view words) {
  const auto dx = number(next_word(words)), dy = number(next_word(words)), buttons = number(next_word(words));
  const auto wheel = words.empty() ? std::optional(0) : number(words);
  if (!dx || !dy || !buttons || !wheel || *buttons < 0 || *buttons > 7) {
    return usage("mouse takes DX DY BUTTONS [WHEEL], whole numbers; buttons are 1 left, 2 right, 4 middle, and sums");
  }
  return send(parts_.mouse, "mouse", world::mouse_payload({*dx, *dy, *wheel, static_cast<unsigned>(*buttons)}));
}

Outcome GuestRequests::point(std::string_view words) {
  constexpr int place_max = world::TabletEvent::place_max;
  const auto x = number(next_word(words)), y = number(next_word(words)), buttons = number(next_word(words));
  const auto wheel = words.empty() ? std::optional(0) : number(words);
  const auto is_place = [](std::optional<int> place) { return place && *place >= 0 && *place <= place_max; };
  if (!is_place(x) || !is_place(y) || !buttons || !wheel || *buttons < 0 || *buttons > 7) {
    return usage(
        fmt::format("point takes X Y BUTTONS [WHEEL], whole numbers; places go from 0 to {}, the right or lower "
                    "edge of the screen; buttons are 1 left, 2 right, 4 middle, and sums",
                    place_max));
  }
  return send(parts_.tablet, "tablet (--tablet adds one)",
              world::tablet_payload(
                  {static_cast<unsigned>(*x), static_cast<unsigned>(*y), *wheel, static_cast<unsigned>(*buttons)}));
}

Outcome GuestRequests::insert(std::string_view text) {
  const auto medium = number(text);
  if (!medium || *medium < 0 || *medium >= eject_medium) {
    return usage(fmt::format("'{}' is no medium; they are counted from 0 on", text));
  }
  return send(parts_.cdrom, "CD-ROM drive", {static_cast<std::uint8_t>(*medium)});
}

}  // namespace lockstitch::app
