// See pacer.h.
#include "vmm/world/pacer.h"

namespace lockstitch::world {

VirtualNs Pacer::virtual_at(HostNs host) const {
  return host <= host_anchor_ ? guest_anchor_ : guest_anchor_ + (host - host_anchor_);
}

HostNs Pacer::host_when(VirtualNs ns) const {
  if (ns <= guest_anchor_) return host_anchor_;
  const std::uint64_t after = ns - guest_anchor_;
  return after >= host_never - host_anchor_ ? host_never : host_anchor_ + after;
}

PaceAdvice Pacer::advise(HostNs host, VirtualNs guest) {
  const VirtualNs wanted = virtual_at(host);
  if (guest > wanted) {
    if (guest - wanted <= slack_ns) return {};
    return {PaceAdvice::Kind::sleep, 0, host_when(guest)};
  }
  if (wanted - guest < slack_ns || host - last_advance_ < advance_interval_ns) return {};
  last_advance_ = host;
  return {PaceAdvice::Kind::advance, wanted - guest, {}};
}

}  // namespace lockstitch::world
