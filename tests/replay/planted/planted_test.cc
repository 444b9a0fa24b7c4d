// Planted nondeterminism: a booting Debian kernel is recorded, and its replay is meddled with. The checker must name
// what was touched.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>

#include "sync/checkpoint/checkpoint_writer.h"
#include "sync/tape/checker.h"
#include "sync/tape/recorder.h"
#include "sync/tape/replayer.h"
#include "tests/replay/support/memory_log.h"
#include "tests/unit/world/temporary_folder.h"
#include "vmm/app/board.h"
#include "vmm/app/machine_probe.h"
#include "vmm/app/machine_snapshot.h"
#include "vmm/machine/state_comparer.h"
#include "vmm/machine/state_reader.h"
#include "vmm/machine/state_writer.h"
#include "vmm/world/host_file.h"

using namespace lockstitch;
using namespace lockstitch::sync;
using namespace lockstitch::test;

namespace {

constexpr std::uint64_t length_ticks = 40'000'000, middle_tick = 21'000'000, digest_ticks = 4'000'000;
constexpr std::uint64_t input_ticks = 700'001;

std::uint64_t seed() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 1;
}

const app::BootFiles* kernel() {
  static const auto files = []() -> std::unique_ptr<app::BootFiles> {
    auto image = world::read_host_file(std::string(LOCKSTITCH_SOURCE_DIR) + "/build/guest/vmlinuz", 64 << 20, "kernel");
    if (!image.ok()) return nullptr;
    auto boot = std::make_unique<app::BootFiles>();
    boot->kernel = std::move(image).value();
    boot->command_line = "console=ttyS0";
    return boot;
  }();
  return files.get();
}

bool ready() {
  if (kernel() != nullptr) return true;
  MESSAGE("skipped: there is no build/guest; scripts/build-guest makes it");
  std::puts("skipped: no build/guest");
  return false;
}

std::unique_ptr<app::Board> make_board() {
  app::BoardConfig config;
  config.memory_bytes = 128 << 20;
  config.machine.digest_every_ticks = digest_ticks;
  auto board = app::Board::make(config, *kernel());
  REQUIRE_MESSAGE(board.ok(), board.error().text);
  return std::move(board).value();
}

/// A person who types and a host whose clock runs ahead, at regular ticks.
class Typist final : public Source {
 public:
  explicit Typist(PortId port) : port_(port) {}
  std::optional<Arrival> take(Moment now) override {
    if (now.tick.value != next_) return std::nullopt;
    next_ += input_ticks;
    if (++count_ % 2 == 0) return Arrival{now.tick, control_port, {ControlKind::advance_clock, 1000}, {}};
    return Arrival{now.tick, port_, {}, {'x'}};
  }
  Tick next_known() const override { return {next_}; }
  Tick horizon() const override { return tick_never; }
  Tick idle(Moment, Moment until) override { return until.tick; }

 private:
  PortId port_;
  std::uint64_t next_ = input_ticks;
  unsigned count_ = 0;
};

struct NullSink final : Sink {
  void effect(const Effect&) override {}
  void digest(Tick, const Digest&) override {}
};

const std::vector<Entry>& recorded() {
  static const std::vector<Entry> entries = [] {
    std::mt19937_64 random(1);
    auto board = make_board();
    Typist typist(board->serial_port());
    MemoryLog log(random);
    NullSink out;
    app::MachineProbe probe(board->machine());
    RecordingSource source(typist, log, probe);
    RecordingSink sink(out, source, log, probe);
    board->machine().run(source, sink, {length_ticks});
    log.entries.push_back({board->machine().tick(), EndEntry{0, 0, board->machine().digest()}});
    return std::move(log.entries);
  }();
  return entries;
}

struct Replay {
  explicit Replay(const std::vector<Entry>& entries) : stream(entries) {}

  void run(std::uint64_t stop) {
    while (machine.tick().value < stop && !cursor.divergence()) machine.step(source, sink, {stop});
  }
  const Divergence& divergence() {
    REQUIRE(cursor.divergence());
    return *cursor.divergence();
  }

  std::unique_ptr<app::Board> board = make_board();
  Machine& machine = board->machine();
  MemoryStream stream;
  ReplayCursor cursor{stream, Tick{}};
  app::MachineProbe probe{machine};
  NullSink out;
  ReplayingSource source{cursor, probe};
  CheckingSink sink{cursor, probe, out, first_difference};
};

/// Changes one byte of the machine's state, `offset` bytes behind the beginning of the value of `field` in `section`.
void change_field(Machine& machine, std::string_view section, std::string_view field) {
  std::vector<std::uint8_t> saved = save_state(machine);
  StateStream stream(saved);
  StateItem item;
  std::vector<std::string> path;
  const std::uint8_t* value = nullptr;
  while (stream.next(item)) {
    if (item.tag == StateTag::enter) path.emplace_back(item.name);
    if (item.tag == StateTag::leave) path.pop_back();
    const bool wanted = path.size() == 1 && path[0] == section && item.name == field;
    if (wanted && item.tag == StateTag::bytes) value = item.data.data();
    if (wanted && item.tag == StateTag::number) {
      value = reinterpret_cast<const std::uint8_t*>(item.name.data()) + item.name.size() + 1;
    }
  }
  REQUIRE(value != nullptr);
  saved[static_cast<std::size_t>(value - saved.data())] ^= 0x20;
  REQUIRE(load_state(machine, saved).ok());
}

}  // namespace

TEST_CASE("the replay of a booting kernel with inputs is its recording") {
  if (!ready()) return;
  Replay replay(recorded());
  replay.run(length_ticks);
  CHECK(!replay.cursor.divergence());
  CHECK(replay.cursor.digests_compared() == length_ticks / digest_ticks);
  CHECK(replay.cursor.inputs_taken() > 50);
  REQUIRE(replay.cursor.end());
  CHECK(replay.machine.digest() == std::get<EndEntry>(replay.cursor.end()->body).digest);
}

TEST_CASE("a changed field of a device is named by its path, with both forms") {
  if (!ready()) return;
  struct Field {
    const char *section, *field;
  };
  for (const Field& planted : {Field{"serial0", "scratch"}, Field{"post", "latches"}, Field{"fpu", "latches"}}) {
    CAPTURE(planted.section);
    Replay replay(recorded());
    replay.run(middle_tick);
    change_field(replay.machine, planted.section, planted.field);
    replay.run(length_ticks);
    const Divergence& divergence = replay.divergence();
    CHECK(divergence.component == std::string(planted.section) + "/" + planted.field);
    CHECK(divergence.expected != divergence.got);
    CHECK(divergence.tick.value <= middle_tick + digest_ticks);
  }
}

TEST_CASE(
    "a changed byte of memory is named by its part at the next digest, and by its address at the next checkpoint") {
  if (!ready()) return;
  INFO("LOCKSTITCH_SEED=", seed());
  std::mt19937_64 random(seed());
  const TemporaryFolder folder;
  const Digest trace{1, 2};
  const app::WrittenDisks disks;
  Replay whole(recorded());
  whole.run(middle_tick);
  {
    auto writer = CheckpointWriter::open(folder.path(), trace, app::region_shapes(whole.machine, disks));
    REQUIRE(writer.ok());
    REQUIRE(writer.value()->add(app::take_snapshot(whole.machine, disks)).ok());
    REQUIRE(writer.value()->finish().ok());
  }
  const auto checkpoint = CheckpointFile::open(list_checkpoints(folder.path()).at(0).path, trace);
  REQUIRE(checkpoint.ok());
  REQUIRE(!app::compare_snapshot(whole.machine, disks, checkpoint.value()).value());

  // Above what the kernel uses by then, so that nothing but the byte itself differs.
  const Gpa gpa = (100 << 20) + random() % (16 << 20);
  std::uint8_t byte = 0;
  REQUIRE(whole.machine.memory().read(gpa, {&byte, 1}));
  const std::uint8_t changed = byte ^ 0x01;
  whole.machine.memory().write(gpa, {&changed, 1});
  const auto found = app::compare_snapshot(whole.machine, disks, checkpoint.value());
  REQUIRE(found.ok());
  REQUIRE(found.value());
  char address[32];
  std::snprintf(address, sizeof address, "memory/0x%llx", static_cast<unsigned long long>(gpa));
  CHECK(found.value()->component == address);
  CHECK(found.value()->expected != found.value()->got);

  whole.run(length_ticks);
  const std::string component = whole.divergence().component;
  REQUIRE(component.starts_with("memory/0x"));
  std::size_t end = 0;
  CHECK(std::stoull(component.substr(7), &end, 16) <= gpa);
  CHECK(std::stoull(component.substr(7 + end + 1), nullptr, 16) >= gpa);
}

TEST_CASE("an input that comes a tick early or late is named as the input that it is") {
  if (!ready()) return;
  for (const int shift : {-1, 1}) {
    for (const bool control : {false, true}) {
      auto entries = recorded();
      for (Entry& entry : entries) {
        if (entry.tick.value < middle_tick || !is_input(entry)) continue;
        if (std::holds_alternative<ControlEntry>(entry.body) != control) continue;
        entry.tick.value += static_cast<std::uint64_t>(shift);
        break;
      }
      Replay replay(entries);
      replay.run(length_ticks);
      const std::string component = replay.divergence().component;
      CHECK(component == (control ? "cpu at a control" : "cpu at an arrival"));
      CHECK(replay.divergence().tick.value < middle_tick + 3 * input_ticks);
    }
  }
}
