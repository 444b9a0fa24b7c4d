// Arbiters to be tried: each kind with all that it needs, and the means to take it away. The same tests run over all.
#pragma once
#include <kj/async-io.h>

#include <memory>
#include <string>

#include "lockstitch/assert.h"
#include "sync/peer/arbiter.h"
#include "sync/peer/keys.h"
#include "sync/peer/witness_server.h"
#include "sync/peer/witness_store.h"
#include "tests/unit/peer/temporary_folder.h"

namespace lockstitch::test {

/// Keys of a pair and of its witness.
class PairKeys {
 public:
  PairKeys() {
    const Outcome made = sync::make_keys({folder_.path(), {"a", "b", "witness"}, 30});
    LS_ASSERT(made.ok());
  }
  sync::Keys of(const std::string& member) const {
    auto keys = sync::load_keys(folder_ / member);
    LS_ASSERT(keys.ok());
    return std::move(keys).value();
  }
  std::string folder_of(const std::string& member) const { return folder_ / member; }

 private:
  TemporaryFolder folder_;
};

class FileStand {
 public:
  explicit FileStand(kj::AsyncIoContext& io) : io_(io) { std::filesystem::create_directory(folder_ / "shared"); }
  static std::string why_not() { return ""; }

  kj::Own<sync::Arbiter> client(const std::string& pair = "pair") {
    auto made = sync::make_arbiter("file:" + (folder_ / "shared/") + pair, pair, {}, io_);
    LS_ASSERT(made.ok());
    return std::move(made).value();
  }
  void vanish() { std::filesystem::rename(folder_ / "shared", folder_ / "elsewhere"); }

 private:
  kj::AsyncIoContext& io_;
  TemporaryFolder folder_;
};

class WitnessStand {
 public:
  explicit WitnessStand(kj::AsyncIoContext& io) : io_(io) { start(); }
  static std::string why_not() { return ""; }

  kj::Own<sync::Arbiter> client(const std::string& pair = "pair") {
    auto made = sync::make_arbiter("witness:127.0.0.1:" + std::to_string(port_), pair, keys_.of("a"), io_);
    LS_ASSERT(made.ok());
    return std::move(made).value();
  }
  void vanish() {
    serving_ = nullptr;
    server_ = nullptr;
    store_.reset();
  }
  /// At the port that it had.
  void come_back() { start(); }

  unsigned port() const { return port_; }
  const PairKeys& keys() const { return keys_; }
  sync::WitnessServer& server() { return *server_; }

 private:
  void start() {
    auto store = sync::WitnessStore::open(folder_ / "state");
    LS_ASSERT(store.ok());
    store_ = std::make_unique<sync::WitnessStore>(std::move(store).value());
    server_ = kj::heap<sync::WitnessServer>(io_, *store_, keys_.of("witness"));
    bool listening = false;
    serving_ = server_
                   ->listen("127.0.0.1:" + std::to_string(port_),
                            [&](unsigned port) {
                              port_ = port;
                              listening = true;
                            })
                   .eagerlyEvaluate(nullptr);
    while (!listening) io_.waitScope.poll();
  }

  kj::AsyncIoContext& io_;
  PairKeys keys_;
  TemporaryFolder folder_;
  std::unique_ptr<sync::WitnessStore> store_;
  kj::Own<sync::WitnessServer> server_;
  kj::Promise<void> serving_ = nullptr;
  unsigned port_ = 0;
};

/// A process of its own, on a port that was free a moment before.
class EtcdStand {
 public:
  explicit EtcdStand(kj::AsyncIoContext& io);
  ~EtcdStand();
  static std::string why_not();

  kj::Own<sync::Arbiter> client(const std::string& pair = "pair");
  void vanish();
  unsigned port() const { return port_; }

 private:
  void start();
  bool answers();

  kj::AsyncIoContext& io_;
  TemporaryFolder folder_;
  unsigned port_ = 0;
  int process_ = -1;
};

}  // namespace lockstitch::test
