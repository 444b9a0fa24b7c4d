// See witness_process.h.
#include "sync/peer/witness_process.h"

#include <fmt/format.h>
#include <kj/async-unix.h>
#include <signal.h>

#include <cstdio>

#include "sync/peer/host_port.h"
#include "sync/peer/reason.h"
#include "sync/peer/witness_arbiter.h"
#include "sync/peer/witness_server.h"
#include "sync/peer/witness_store.h"

namespace lockstitch::sync {
namespace {

void print(const std::string& line) { std::fprintf(stderr, "lockstitch: witness: %s\n", line.c_str()); }

}  // namespace

Result<int> serve_witness(const WitnessOptions& options) {
  const bool everywhere = options.listen == "*" || options.listen.starts_with("*:");
  const auto place =
      parse_host_port(everywhere ? "0.0.0.0" + options.listen.substr(1) : options.listen, WitnessArbiter::default_port);
  if (!place.ok()) {
    return Error{ExitCode::usage, fmt::format("--listen: {}; write ADDR:PORT, such as 192.0.2.7:{}.",
                                              place.error().text, WitnessArbiter::default_port)};
  }
  const auto keys = load_keys(options.keys);
  if (!keys.ok()) return keys.error();
  auto opened = WitnessStore::open(options.state);
  if (!opened.ok()) return opened.error();
  WitnessStore store = std::move(opened).value();

  kj::UnixEventPort::captureSignal(SIGINT);
  kj::UnixEventPort::captureSignal(SIGTERM);
  auto io = kj::setupAsyncIo();
  WitnessServer server(io, store, keys.value());
  server.set_on_raised([](const std::string& pair, const ArbiterRecord& record) {
    print(fmt::format("pair {}: term {} is held by {}", pair, record.term, record.holder));
  });
  bool listening = false;
  const std::string address = everywhere ? fmt::format("*:{}", place.value().port) : place.value().text();
  auto served = server.listen(address, [&](unsigned port) {
    listening = true;
    print(fmt::format("listening on {}:{}", address.substr(0, address.rfind(':')), port));
  });
  const auto stopped = [](siginfo_t&&) {};
  auto signalled =
      io.unixEventPort.onSignal(SIGINT).then(stopped).exclusiveJoin(io.unixEventPort.onSignal(SIGTERM).then(stopped));
  Result<int> result = 0;
  served.exclusiveJoin(kj::mv(signalled))
      .catch_([&](kj::Exception&& exception) {
        if (listening) {
          result = Error{ExitCode::world, exception.getDescription().cStr()};
        } else {
          result = Error{
              ExitCode::unavailable,
              fmt::format("The witness cannot listen on '{}' ({}); name another address.", address, reason(exception))};
        }
      })
      .wait(io.waitScope);
  return result;
}

}  // namespace lockstitch::sync
