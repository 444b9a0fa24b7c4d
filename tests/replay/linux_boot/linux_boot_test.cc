// Determinism on a booting Debian kernel: whatever is done to a run that the guest cannot see, the digest trail is the same.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "tests/replay/support/run_trail.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"
#include "vmm/world/host_file.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {

constexpr std::uint64_t run_ticks = 400'000'000;  // through decompression and most of the kernel's own start
constexpr std::uint64_t digest_ticks = 8'000'000;

std::uint64_t seed() {
  static const std::uint64_t value = [] {
    const char* text = std::getenv("LOCKSTITCH_SEED");
    return text ? std::strtoull(text, nullptr, 0) : std::random_device{}();
  }();
  return value;
}

const app::BootFiles* kernel() {
  static const auto files = []() -> std::unique_ptr<app::BootFiles> {
    const std::string folder = std::string(LOCKSTITCH_SOURCE_DIR) + "/build/guest/";
    auto image = world::read_host_file(folder + "vmlinuz", 64 << 20, "The kernel");
    auto initrd = world::read_host_file(folder + "initramfs.cpio", 256 << 20, "The initramfs");
    if (!image.ok() || !initrd.ok()) return nullptr;
    auto boot = std::make_unique<app::BootFiles>();
    boot->kernel = std::move(image).value();
    boot->initrd = std::move(initrd).value();
    boot->command_line = "console=ttyS0 panic=-1 mitigations=off lockstitch.stop=userland";
    return boot;
  }();
  return files.get();
}

std::unique_ptr<app::Board> make_board(std::uint64_t quantum_ticks) {
  app::BoardConfig config;
  config.memory_bytes = 256 << 20;
  config.machine.quantum_ticks = quantum_ticks;
  config.machine.digest_every_ticks = digest_ticks;
  auto board = app::Board::make(config, *kernel());
  REQUIRE_MESSAGE(board.ok(), board.error().text);
  return std::move(board).value();
}

struct Outcome {
  Trail trail;
  std::string console;
};

const Outcome& reference() {
  static const Outcome outcome = [] {
    auto board = make_board(limits::quantum_ticks);
    QuietSource source;
    TrailSink sink;
    board->machine().run(source, sink, Tick{run_ticks});
    return Outcome{sink.trail, sink.console};
  }();
  return outcome;
}

bool ready() {
  if (kernel()) return true;
  MESSAGE("skipped: there is no build/guest; scripts/build-guest makes it");
  std::puts("skipped: no build/guest");
  return false;
}

void check_same(const TrailSink& sink) {
  const Outcome& wanted = reference();
  CHECK(sink.console == wanted.console);
  REQUIRE(sink.trail.size() == wanted.trail.size());
  for (std::size_t i = 0; i < wanted.trail.size(); ++i) {
    CAPTURE(i);
    REQUIRE(sink.trail[i] == wanted.trail[i]);
  }
}

}  // namespace

TEST_CASE("a booting kernel leaves the same digest trail however its run is split into quanta") {
  if (!ready()) return;
  INFO("LOCKSTITCH_SEED=", seed());
  REQUIRE(reference().trail.size() > run_ticks / digest_ticks / 2);
  std::mt19937_64 random(seed());
  auto board = make_board(1 + random() % 200'000);
  QuietSource source;
  TrailSink sink;
  while (board->machine().tick() < Tick{run_ticks}) {
    const Tick stop{std::min(run_ticks, board->machine().tick().value + 1 + random() % 3'000'000)};
    board->machine().run(source, sink, stop);
  }
  check_same(sink);
}

TEST_CASE("dropping every cache at random stops of a booting kernel changes nothing") {
  if (!ready()) return;
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed() + 1);
  auto board = make_board(limits::quantum_ticks);
  QuietSource source;
  TrailSink sink;
  while (board->machine().tick() < Tick{run_ticks}) {
    const Tick stop{std::min(run_ticks, board->machine().tick().value + 1 + random() % 4'000'000)};
    board->machine().run(source, sink, stop);
    board->machine().drop_caches();
  }
  check_same(sink);
}

TEST_CASE("a booting kernel that is saved and loaded into a new machine at random ticks goes on the same") {
  if (!ready()) return;
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed() + 2);
  auto board = make_board(limits::quantum_ticks);
  QuietSource source;
  TrailSink sink;
  while (board->machine().tick() < Tick{run_ticks}) {
    const Tick stop{std::min(run_ticks, board->machine().tick().value + 1 + random() % 60'000'000)};
    board->machine().run(source, sink, stop);
    const std::vector<std::uint8_t> saved = save_state(board->machine());
    auto next = make_board(limits::quantum_ticks);
    Memory& from = board->machine().memory();
    Memory& to = next->machine().memory();
    for (std::uint64_t page = 0; page < from.pages(); ++page) {
      const Bytes bytes = from.page_contents(page), there = to.page_contents(page);
      if (!std::equal(bytes.begin(), bytes.end(), there.begin())) to.set_page_contents(page, bytes);
    }
    const auto loaded = load_state(next->machine(), saved);
    REQUIRE_MESSAGE(loaded.ok(), loaded.error().text);
    REQUIRE(to_text(next->machine().digest()) == to_text(board->machine().digest()));
    board = std::move(next);
  }
  check_same(sink);
}
