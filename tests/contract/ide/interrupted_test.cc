// A guest's work cut in two at every place: saved there, loaded into another machine and finished there, it ends as it
// does without a cut. The random work of the device contract meets the same places too seldom.
#include <functional>

#include "tests/contract/ide/guest_driver.h"
#include "tests/contract/support/state_image.h"

using namespace lockstitch;
using namespace lockstitch::test;

namespace {
/// One access or a little time; what the guest saw.
using Step = std::function<std::uint64_t(IdeRig&)>;

class Script {
 public:
  std::vector<Step> steps;

  Script& out(unsigned channel, unsigned port, unsigned value, unsigned width = 1) {
    steps.push_back([=](IdeRig& rig) { return rig.it.task_file(channel).write(port, width, value), 0; });
    return *this;
  }
  Script& in(unsigned channel, unsigned port, unsigned width = 1) {
    steps.push_back([=](IdeRig& rig) { return rig.it.task_file(channel).read(port, width); });
    return *this;
  }
  Script& master(unsigned offset, unsigned width, unsigned value) {
    steps.push_back([=](IdeRig& rig) { return rig.it.bus_master().write(offset, width, value), 0; });
    return *this;
  }
  Script& wait(unsigned pieces = 3, unsigned ns = 2'000) {
    for (unsigned i = 0; i < pieces; ++i)
      steps.push_back([=](IdeRig& rig) { return rig.bench.advance(ns), std::uint64_t{rig.lines[0]->level}; });
    return *this;
  }
  Script& take(unsigned channel, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i += 2)
      if (i < 4 || i + 4 >= bytes) {
        in(channel, 0, 2);
      } else {
        const unsigned middle = bytes - 8;
        steps.push_back([=](IdeRig& rig) {
          std::uint64_t sum = 0;
          for (unsigned k = 0; k < middle; k += 2) sum = sum * 31 + rig.it.task_file(channel).read(0, 2);
          return sum;
        });
        i += middle - 2;
      }
    return in(channel, 7);
  }
  Script& give(unsigned channel, unsigned bytes) {
    steps.push_back([=](IdeRig& rig) {
      for (unsigned k = 0; k + 2 < bytes; k += 2) rig.it.task_file(channel).write(0, 2, k * 77 & 0xffff);
      return 0;
    });
    return out(channel, 0, 0xbeef, 2);
  }
  Script& disk_command(unsigned code, unsigned sector, unsigned count) {
    out(0, 6, 0xe0);
    for (unsigned port = 2; port < 6; ++port) out(0, port, 0);  // the high halves
    return out(0, 2, count).out(0, 3, sector).out(0, 4, 0).out(0, 5, 0).out(0, 7, code);
  }
  Script& feature(unsigned code, unsigned count) {
    return out(0, 1, code).out(0, 2, count).out(0, 7, 0xef).wait().in(0, 7);
  }
  Script& packet(std::initializer_list<unsigned> bytes, bool dma, unsigned limit) {
    out(1, 6, 0xa0).out(1, 1, dma).out(1, 4, limit & 0xff).out(1, 5, limit >> 8).out(1, 7, 0xa0);
    std::vector<unsigned> all = bytes;
    all.resize(12);
    for (unsigned i = 0; i < 12; i += 2) out(1, 0, all[i] | all[i + 1] << 8, 2);
    return *this;
  }
};

struct Ending {
  std::vector<std::uint64_t> seen;
  std::uint64_t flushes = 0;
  StateImage state;
};

void prepare(IdeRig& rig) {
  rig.it.write_config(4, 2, 5);
  const std::uint32_t table[] = {0x1000, 512, 0x2002, 0x8000'0000 | 4096};
  for (unsigned i = 0; i < 16; ++i)
    rig.memory.ram[0x100 + i] = static_cast<std::uint8_t>(table[i / 4] >> (8 * (i % 4)));
}

Ending run(const Script& script, std::size_t cut) {
  Ending ending;
  auto rig = std::make_unique<IdeRig>();
  prepare(*rig);
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    if (i == cut) {
      const StateImage image = save(*rig);
      auto next = std::make_unique<IdeRig>();
      REQUIRE_EQ(load(*next, image), "");
      next->device().loaded();
      ending.flushes += rig->disk.flushes;
      rig = std::move(next);
    }
    ending.seen.push_back(script.steps[i](*rig));
  }
  ending.flushes += rig->disk.flushes;
  ending.state = save(*rig);
  return ending;
}

Script everything() {
  Script s;
  s.out(0, 7, 0x90).wait().in(0, 7);  // diagnostics
  s.feature(0x55, 0).feature(0x03, 0x22).feature(0x82, 0).wait(2, 30'000).feature(0x02, 0);
  s.out(0, 2, 2).out(0, 7, 0xc6).wait().in(0, 7);
  s.out(0, 6, 0xa3).out(0, 2, 9).out(0, 7, 0x91).wait().in(0, 7);
  s.out(0, 7, 0xec).wait().take(0, 512);
  s.disk_command(0x20, 5, 2).wait().take(0, 512).wait().take(0, 512);
  s.disk_command(0x29, 9, 3).wait().take(0, 1024).wait().take(0, 512);
  s.disk_command(0xce, 20, 3).give(0, 1024).wait().in(0, 7).give(0, 512).wait().in(0, 7);
  s.disk_command(0x20, 200, 1).wait().in(0, 1).in(0, 7);
  s.disk_command(0xe7, 0, 0).wait(3, 20'000).in(0, 7);
  const auto dma = [&](unsigned channel, unsigned to_memory) -> Script& {
    s.master(8 * channel + 4, 4, 0x100).master(8 * channel + 2, 1, 6).master(8 * channel, 1, to_memory);
    return s.master(8 * channel, 1, to_memory | 1);
  };
  s.disk_command(0x25, 2, 9);
  dma(0, 8).wait(4, 30'000).in(0, 7).master(0, 1, 0);
  s.disk_command(0x3d, 40, 8);
  dma(0, 0).wait(4, 30'000).in(0, 7);  // regions are left over
  s.disk_command(0xc8, 2, 1).wait(2).master(0, 1, 0);
  dma(0, 8).wait(3, 30'000).in(0, 7).master(0, 1, 0);
  s.packet({0x00}, false, 0).wait().in(1, 7);  // attention
  s.packet({0x03, 0, 0, 0, 18}, false, 18).wait().take(1, 18).wait().in(1, 7);
  s.packet({0x12, 0, 0, 0, 36}, false, 20).wait().take(1, 20).wait().take(1, 16).wait().in(1, 7);
  s.packet({0x28, 0, 0, 0, 0, 1, 0, 0, 1}, false, 900).wait().take(1, 900).wait().take(1, 900).wait().take(1, 248);
  s.wait().in(1, 7).in(1, 2);
  s.packet({0x28, 0, 0, 0, 0, 2, 0, 0, 2}, true, 0);
  dma(1, 8).wait(4, 30'000).in(1, 7).master(8, 1, 0);
  s.packet({0x46, 0, 0, 0, 0, 0, 0, 0, 40}, true, 0);
  dma(1, 8).wait(4, 30'000).in(1, 7).master(8, 1, 0);
  s.packet({0x55, 0x10, 0, 0, 0, 0, 0, 0, 12}, false, 8).wait().give(1, 8).wait().in(1, 7).give(1, 4).wait().in(1, 7);
  s.packet({0x1e, 0, 0, 0, 1}, false, 0).wait().in(1, 7);
  s.packet({0x1b, 0, 0, 0, 2}, false, 0).wait().in(1, 7).in(1, 1);
  s.steps.push_back([](IdeRig& rig) {
    const std::uint8_t second = 1;
    return rig.tray->arrive(Bytes(&second, 1)), 0;
  });
  s.packet({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8}, false, 8).wait().take(1, 8).wait().in(1, 7);
  s.packet({0x25}, false, 8).wait().in(1, 7).in(1, 1);
  s.packet({0x25}, false, 8).wait().take(1, 8).wait().in(1, 7);
  return s;
}
}  // namespace

TEST_CASE("work that is saved at any place and goes on elsewhere ends as it would have") {
  const Script script = everything();
  const Ending whole = run(script, script.steps.size());
  CHECK_EQ(whole.flushes, 4);
  for (std::size_t cut = 0; cut < script.steps.size(); ++cut) {
    CAPTURE(cut);
    const Ending ending = run(script, cut);
    REQUIRE_EQ(ending.seen, whole.seen);
    REQUIRE_EQ(ending.flushes, whole.flushes);
    REQUIRE_EQ(difference(ending.state, whole.state), "");
  }
}

TEST_CASE("the work that is cut gets through: every transfer arrives") {
  IdeRig rig;
  prepare(rig);
  for (const Step& step : everything().steps) step(rig);
  std::string calls;
  for (const std::string& call : rig.disk.calls) calls += call + "; ";
  CHECK_EQ(calls,
           "flush; prepare 5 1024; read 5 512; read 6 512; prepare 9 1536; read 9 1024; read 11 512; "
           "write 20 1024; write 22 512; flush; flush; prepare 2 4608; read 2 4608; write 40 4096; flush; "
           "prepare 2 512; read 2 512; ");
  calls.clear();
  for (const std::string& call : rig.media[0].calls) calls += call + "; ";
  CHECK_NE(calls.find("read 8 4096; "), std::string::npos);
}
