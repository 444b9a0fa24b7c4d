// What two machines must have in common to be one guest's.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "sync/peer/pairing.h"

namespace lockstitch::sync {
namespace {

Header machine() {
  Header header;
  header.build = "1.0";
  header.numeric_mode = "host x86-64 GenuineIntel 6-143";
  header.engine = {"interp", true, true, true, true, true};
  header.cpuid = {{0, 0, 1, 2, 3, 4}, {1, 0, 5, 6, 7, 8}};
  header.board.name = "PC-1";
  header.board.memory_bytes = 64u << 20;
  header.board.command_line = "console=ttyS0";
  header.board.network_mac = {2, 0, 0, 0, 0, 1};
  header.board.disks = {{false}, {true}};
  header.board.ports = {"serial", "net"};
  header.images = {{"kernel", "/a/kernel", 1000, {1, 2}},
                   {"initrd", "/a/initrd", 2000, {3, 4}},
                   {"disk0", "/a/disk", 1u << 20, {}},
                   {"disk1", "/a/readonly", 1u << 20, {5, 6}}};
  return header;
}

struct Change {
  const char* named;  ///< what the sentence must hold
  std::function<void(Header&)> make;
};

TEST_CASE("whatever may not differ is named, whoever compares") {
  const std::vector<Change> changes{
      {"version", [](Header& h) { h.ticks += 1; }},
      {"version of Lockstitch (", [](Header& h) { h.build = "1.1"; }},
      {"the engine", [](Header& h) { h.engine.name = "other"; }},
      {"the engine", [](Header& h) { h.engine.counts_exactly = false; }},
      {"the engine", [](Header& h) { h.engine.no_visible_tlb = false; }},
      {"the hosts' processors", [](Header& h) { h.numeric_mode = "host x86-64 AuthenticAMD 25-1"; }},
      {"the CPUID table", [](Header& h) { h.cpuid[1].ecx ^= 1; }},
      {"the CPUID table", [](Header& h) { h.cpuid.pop_back(); }},
      {"the board", [](Header& h) { h.board.name = "PC-2"; }},
      {"the size of memory", [](Header& h) { h.board.memory_bytes += page_bytes; }},
      {"the clock's rate", [](Header& h) { h.board.ns_per_tick = 2; }},
      {"the kernel's command line", [](Header& h) { h.board.command_line += " quiet"; }},
      {"how the kernel is loaded", [](Header& h) { h.board.flat_kernel = true; }},
      {"how the kernel is loaded", [](Header& h) { h.board.reboots = false; }},
      {"the console", [](Header& h) { h.board.virtio_console = true; }},
      {"the network card's address", [](Header& h) { (*h.board.network_mac)[5] = 2; }},
      {"the network card's address", [](Header& h) { h.board.network_mac.reset(); }},
      {"the ports", [](Header& h) { h.board.ports.push_back("more"); }},
      {"the number of disks (", [](Header& h) { h.board.disks.pop_back(); }},
      {"the disks", [](Header& h) { h.board.disks[0].read_only = true; }},
      {"the number of images", [](Header& h) { h.images.pop_back(); }},
      {"initrd", [](Header& h) { h.images[1].role = "other"; }},
      {"the size of disk0", [](Header& h) { h.images[2].bytes += 512; }},
      {"the size of kernel", [](Header& h) { h.images[0].bytes += 1; }},
      {"the contents of kernel", [](Header& h) { h.images[0].hash.low ^= 1; }},
      {"the contents of initrd", [](Header& h) { h.images[1].hash.high ^= 1; }},
      {"the contents of disk1", [](Header& h) { h.images[3].hash.low ^= 1; }},
  };
  for (const Change& change : changes) {
    CAPTURE(change.named);
    Header other = machine();
    change.make(other);
    for (const std::string& text : {difference(machine(), other), difference(other, machine())}) {
      CAPTURE(text);
      const bool named = text.find(change.named) != std::string::npos ||
                         // Seen from the other side it is the other image that is missing.
                         (std::string(change.named) == "initrd" && text.find("other") != std::string::npos);
      CHECK(named);
    }
  }
}

TEST_CASE("what a follower takes over from its leader, and where files lie, may differ") {
  Header other = machine();
  other.board.seed = 99;
  other.board.rtc_start_seconds = 1'000'000;
  other.digest_every = 12345;
  other.created_ns = 7;
  other.paced = false;
  for (ImageReference& each : other.images) each.path = "/elsewhere/" + each.role;
  std::swap(other.images[0], other.images[2]);
  CHECK(difference(machine(), other) == "");
  CHECK(difference(machine(), machine()) == "");
}

TEST_CASE("a description of a machine survives its way through a greeting") {
  const auto back = decode_header(encode_header(machine()));
  REQUIRE(back.ok());
  CHECK(difference(machine(), back.value()) == "");
}

}  // namespace
}  // namespace lockstitch::sync
