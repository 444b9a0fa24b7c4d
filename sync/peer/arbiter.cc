// See arbiter.h: which arbiter a name means.
#include "sync/peer/arbiter.h"

#include <fmt/format.h>

#include "sync/peer/etcd_arbiter.h"
#include "sync/peer/file_arbiter.h"
#include "sync/peer/member_name.h"
#include "sync/peer/witness_arbiter.h"

namespace lockstitch::sync {
namespace {

Error bad_arbiter(const std::string& spec, const std::string& why) {
  return {ExitCode::usage,
          fmt::format("'{}' is no arbiter: {}; write file:PATH, witness:HOST[:PORT] or etcd:HOST[:PORT].", spec, why)};
}

}  // namespace

Result<kj::Own<Arbiter>> make_arbiter(const std::string& spec, const std::string& pair, const Keys& keys,
                                      kj::AsyncIoContext& io) {
  if (!is_member_name(pair)) {
    return Error{ExitCode::usage, fmt::format("'{}' is no name for a pair; use 1 to 63 of a-z, 0-9 and -, not - at "
                                              "first.",
                                              pair)};
  }
  const std::size_t colon = spec.find(':');
  const std::string scheme = spec.substr(0, colon);
  const std::string place = colon == std::string::npos ? "" : spec.substr(colon + 1);
  kj::Timer& timer = io.provider->getTimer();
  if (scheme == "file") {
    if (place.empty() || place.back() == '/') return bad_arbiter(spec, "a file's path is missing");
    return kj::Own<Arbiter>(kj::heap<FileArbiter>(place, pair, timer));
  }
  if (scheme == "witness") {
    const auto found = parse_host_port(place, WitnessArbiter::default_port);
    if (!found.ok()) return bad_arbiter(spec, found.error().text);
    if (found.value().port == 0) return bad_arbiter(spec, "there is no port 0");
    return kj::Own<Arbiter>(kj::heap<WitnessArbiter>(found.value(), spec, pair, keys, io));
  }
  if (scheme == "etcd") {
    const auto found = parse_host_port(place, EtcdArbiter::default_port);
    if (!found.ok()) return bad_arbiter(spec, found.error().text);
    if (found.value().port == 0) return bad_arbiter(spec, "there is no port 0");
    return kj::Own<Arbiter>(kj::heap<EtcdArbiter>(found.value(), spec, pair, io));
  }
  return bad_arbiter(spec, fmt::format("there is no kind '{}'", scheme));
}

}  // namespace lockstitch::sync
