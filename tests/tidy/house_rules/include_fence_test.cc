// Planted breaches of every fence, and the neighbours that must pass.
#include "tests/tidy/house_rules/include_fence.h"

#include <doctest/doctest.h>

using namespace lockstitch::tidy;

namespace {

std::size_t breaches(const std::string& path, const std::string& text) {
  const Findings findings = check_includes(make_source(path, text));
  for (const Finding& finding : findings) {
    CHECK(finding.line == 2);
    CHECK(!finding.what.empty());
    CHECK(!finding.cure.empty());
  }
  return findings.size();
}

}  // namespace

TEST_CASE("a layer sees the contract and itself") {
  CHECK(breaches("devices/irq/pic.h", "//\n#include \"lockstitch/device.h\"\n") == 0);
  CHECK(breaches("devices/irq/pic.h", "//\n#include \"devices/acpi/reset_control.h\"\n") == 0);
  CHECK(breaches("devices/irq/pic.h", "//\n#include \"vmm/machine/bus.h\"\n") == 1);
  CHECK(breaches("devices/irq/pic.h", "//\n#include \"pic_state.h\"\n") == 1);
  CHECK(breaches("devices/irq/pic.h", "//\n#include \"../timer/pit.h\"\n") == 1);
  CHECK(breaches("vmm/machine/bus.h", "//\n#include \"devices/irq/pic.h\"\n") == 1);
  CHECK(breaches("vmm/machine/bus.h", "//\n#include \"vmm/machine_room/bus.h\"\n") == 1);
  CHECK(breaches("vmm/boot/elf.h", "//\n#include \"vmm/machine/memory.h\"\n") == 1);
  CHECK(breaches("vmm/boot/aml.cc", "//\n#include \"dsdt.hex\"\n") == 0);
  CHECK(breaches("vmm/world/tap.h", "//\n#include \"vmm/app/session.h\"\n") == 1);
  CHECK(breaches("vmm/engine/interp/op.h", "//\n#include \"vmm/engine/jit/block.h\"\n") == 1);
  CHECK(breaches("vmm/engine/jit/block.h", "//\n#include \"vmm/engine/interp/op.h\"\n") == 0);
  CHECK(breaches("include/lockstitch/tick.h", "//\n#include \"devices/irq/pic.h\"\n") == 1);
  CHECK(breaches("vmm/app/board.cc", "//\n#include \"devices/irq/pic.h\"\n") == 0);
  CHECK(breaches("vmm/app/board.cc", "//\n#include \"tests/support/rig.h\"\n") == 1);
  CHECK(check_includes(make_source("odd/place.cc", "//\n")).size() == 1);
}

TEST_CASE("machine and devices know nothing of sync, and sync's parts lean one way") {
  CHECK(breaches("vmm/machine/machine.h", "//\n#include \"sync/tape/recorder.h\"\n") == 1);
  CHECK(breaches("devices/irq/pic.h", "//\n  #  include \"sync/log/entry.h\"\n") == 1);
  CHECK(breaches("sync/tape/recorder.h", "//\n#include \"sync/log/entry.h\"\n") == 0);
  CHECK(breaches("sync/log/entry.h", "//\n#include \"sync/tape/recorder.h\"\n") == 1);
  CHECK(breaches("sync/replica/leader.h", "//\n#include \"sync/peer/link.h\"\n") == 1);
}

TEST_CASE("a library stays inside its fence") {
  CHECK(breaches("vmm/machine/fiber.cc", "//\n#include <boost/context/fiber.hpp>\n") == 0);
  CHECK(breaches("vmm/machine/machine.cc", "//\n#include <boost/context/fiber.hpp>\n") == 1);
  CHECK(breaches("vmm/machine/memory_digest.cc", "//\n#include <xxhash.h>\n") == 0);
  CHECK(breaches("devices/virtio/virtio_rng.cc", "//\n#include <xxhash.h>\n") == 1);
  CHECK(breaches("vmm/world/user_net.cc", "//\n#include <libslirp.h>\n") == 0);
  CHECK(breaches("vmm/app/session.cc", "//\n#include <libslirp.h>\n") == 1);
  CHECK(breaches("vmm/app/options.cc", "//\n#include <CLI/CLI.hpp>\n") == 0);
  CHECK(breaches("vmm/boot/elf.cc", "//\n#include <nlohmann/json.hpp>\n") == 1);
  CHECK(breaches("vmm/world/world.cc", "//\n#include <toml++/toml.h>\n") == 1);
  CHECK(breaches("vmm/engine/kvm/exits.cc", "//\n#include <linux/kvm.h>\n") == 0);
  CHECK(breaches("vmm/world/world.cc", "//\n#include <linux/kvm.h>\n") == 1);
  CHECK(breaches("vmm/engine/interp/sse.h", "//\n#include <emmintrin.h>\n") == 0);
  CHECK(breaches("devices/irq/pic.cc", "//\n#include <emmintrin.h>\n") == 1);
  CHECK(breaches("vmm/world/world.cc", "//\n#include <nobody/knows.h>\n") == 1);
}

TEST_CASE("the core includes no header of the host") {
  for (const std::string header :
       {"sys/mman.h", "unistd.h", "thread", "chrono", "fstream", "random", "ctime", "unordered_map", "unordered_set"}) {
    const std::string text = "//\n#include <" + header + ">\n";
    CAPTURE(header);
    for (const std::string path :
         {"include/lockstitch/a.h", "devices/irq/a.h", "vmm/machine/a.cc", "vmm/engine/interp/a.cc", "vmm/boot/a.cc"}) {
      CHECK(breaches(path, text) == 1);
    }
    CHECK(breaches("vmm/world/a.cc", text.c_str()) == 0);
  }
  CHECK(breaches("devices/irq/a.h", "//\n#include <vector>\n") == 0);
  CHECK(breaches("devices/irq/a.h", "//\n// #include <thread>\n") == 0);
}

TEST_CASE("the core does not name floats, host time or randomness") {
  const auto found = [](const char* path, const char* text) {
    return check_core_words(make_source(path, text)).size();
  };
  CHECK(found("devices/timer/pit.cc", "double rate;\n") == 1);
  CHECK(found("vmm/machine/clock.cc", "auto t = std::chrono::steady_clock::now();\n") == 1);
  CHECK(found("vmm/machine/clock.cc", "int x = rand();\n") == 1);
  CHECK(found("devices/irq/pic.cc", "int double_fault; // float\nint operand; const char* s = \"double\";\n") == 0);
  CHECK(found("vmm/engine/interp/x87.cc", "double value;\n") == 0);
}
