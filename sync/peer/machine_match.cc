// Whether the machine that a leader runs is the one that this replica was told to run.
#include <algorithm>

#include "sync/peer/pairing.h"

namespace lockstitch::sync {
namespace {

bool same_engine(const EngineDescription& a, const EngineDescription& b) {
  return a.name == b.name && a.counts_exactly == b.counts_exactly && a.stops_exactly == b.stops_exactly &&
         a.traps_tsc == b.traps_tsc && a.traps_random == b.traps_random && a.no_visible_tlb == b.no_visible_tlb &&
         a.ticks == b.ticks;
}

const ImageReference* image(const Header& header, const std::string& role) {
  for (const ImageReference& each : header.images) {
    if (each.role == role) return &each;
  }
  return nullptr;
}

std::string differing_image(const Header& mine, const Header& theirs) {
  if (mine.images.size() != theirs.images.size()) return "the number of images";
  for (const ImageReference& ours : mine.images) {
    const ImageReference* other = image(theirs, ours.role);
    if (other == nullptr) return "the images: there is no " + ours.role + " at the other side";
    if (ours.bytes != other->bytes) return "the size of " + ours.role;
    // A disk that the guest writes has no hash, for what it holds is copied. Anything else must be the same.
    if (ours.hash != other->hash) return "the contents of " + ours.role;
  }
  return "";
}

}  // namespace

std::string difference(const Header& mine, const Header& theirs) {
  const BoardDescription &a = mine.board, &b = theirs.board;
  if (mine.ticks != theirs.ticks) return "what one tick is: use the same version of Lockstitch on both hosts";
  if (mine.build != theirs.build) return "the version of Lockstitch (" + mine.build + ", " + theirs.build + ")";
  if (!same_engine(mine.engine, theirs.engine)) return "the engine";
  if (mine.numeric_mode != theirs.numeric_mode) {
    return "the hosts' processors ('" + mine.numeric_mode + "', '" + theirs.numeric_mode +
           "'), which may round approximations differently";
  }
  if (mine.cpuid != theirs.cpuid) return "the CPUID table";
  if (a.name != b.name) return "the board";
  if (a.memory_bytes != b.memory_bytes) return "the size of memory";
  if (a.ns_per_tick != b.ns_per_tick) return "the clock's rate";
  if (a.command_line != b.command_line) return "the kernel's command line";
  if (a.flat_kernel != b.flat_kernel || a.reboots != b.reboots) return "how the kernel is loaded";
  if (a.virtio_console != b.virtio_console) return "the console";
  if (a.network_mac != b.network_mac) return "the network card's address";
  if (a.disks.size() != b.disks.size()) {
    return "the number of disks (" + std::to_string(a.disks.size()) + ", " + std::to_string(b.disks.size()) + ")";
  }
  if (a.pc != b.pc) return "what the PC is made of ('" + a.pc + "', '" + b.pc + "')";
  if (a.ports != b.ports) return "the ports";
  const bool same_disks = std::equal(a.disks.begin(), a.disks.end(), b.disks.begin(), b.disks.end(),
                                     [](const auto& x, const auto& y) { return x.read_only == y.read_only; });
  if (!same_disks) return "the disks";
  return differing_image(mine, theirs);
}

}  // namespace lockstitch::sync
