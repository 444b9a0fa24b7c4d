// See guest.h.
#include "tests/replay/guests/guest.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "vmm/world/host_file.h"

namespace lockstitch::test {

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* text = std::getenv("LOCKSTITCH_SEED");
    return text ? std::strtoull(text, nullptr, 0) : std::random_device{}();
  }();
  return value;
}

Guest::Guest(const GuestHeader& header) : header_(header) {
  const std::string file =
      std::string(LOCKSTITCH_BINARY_DIR) + "/guests/" + header.name + (header.boot == "flat" ? ".bin" : ".elf");
  auto image = world::read_host_file(file, 16 << 20, "The guest");
  REQUIRE_MESSAGE(image.ok(), image.error().text);
  files_.kernel = std::move(image).value();
  files_.flat = header.boot == "flat";
  files_.command_line = "a test guest";
}

std::unique_ptr<app::Board> Guest::board(std::uint64_t quantum_ticks, const app::EngineRequest& engine) const {
  app::BoardConfig config;
  config.memory_bytes = header_.memory_mib << 20;
  config.machine.quantum_ticks = quantum_ticks;
  config.machine.digest_every_ticks = std::max<std::uint64_t>(header_.ticks_max / 50, 1);
  config.machine.ns_per_tick = app::ns_per_tick(engine.ticks.value_or(TickUnit::host_ns));
  config.machine.digest_ignored_bits = app::digest_ignored_bits(engine.ticks.value_or(TickUnit::host_ns));
  config.engine = engine;
  config.reboot = false;
  auto made = app::Board::make(config, files_);
  REQUIRE_MESSAGE(made.ok(), made.error().text);
  return std::move(made).value();
}

Ended finish(app::Board& board, const End& end, const TrailSink& sink) {
  return {end, board.machine().tick().value, to_text(board.machine().digest()), sink.console, sink.trail};
}

Ended run_whole(const Guest& guest) {
  auto board = guest.board(limits::quantum_ticks);
  QuietSource source;
  TrailSink sink;
  const End end = board->machine().run(source, sink, guest.limit());
  return finish(*board, end, sink);
}

}  // namespace lockstitch::test
