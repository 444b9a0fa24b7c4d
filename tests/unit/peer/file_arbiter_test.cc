// The file arbiter on storage that hangs, is damaged or belongs to others. What every arbiter must do:
// arbiter_contract_test.cc.
#include "sync/peer/file_arbiter.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "sync/peer/record_text.h"
#include "tests/unit/peer/temporary_folder.h"

namespace lockstitch::sync {
namespace {

using test::contents_of;
using test::put;
using test::TemporaryFolder;

/// A storage that hangs at one step until it is let go.
class Hang {
 public:
  explicit Hang(FileArbiter::Step where) : where_(where) {}
  void at(FileArbiter::Step step) {
    if (step != where_) return;
    std::unique_lock lock(mutex_);
    hangs_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !on_; });
  }
  void wait_for_it() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return hangs_; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    on_ = false;
    changed_.notify_all();
  }

 private:
  const FileArbiter::Step where_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool on_ = true, hangs_ = false;
};

struct Bench {
  kj::Own<FileArbiter> client(const std::string& pair = "pair") {
    return kj::heap<FileArbiter>(folder / "terms", pair, io.provider->getTimer());
  }
  ClaimAnswer wait(kj::Promise<ClaimAnswer> promise) { return promise.wait(io.waitScope); }
  /// Files that are no terms.
  std::size_t leftovers() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      count += entry.path().filename().string().find(".term-") == std::string::npos ? 1 : 0;
    }
    return count;
  }
  TemporaryFolder folder;
  kj::AsyncIoContext io = kj::setupAsyncIo();
};

TEST_CASE("a claim that hung before its first step is unreachable, and is never carried out") {
  Bench bench;
  auto hang = std::make_shared<Hang>(FileArbiter::Step::begin);
  auto a = bench.client();
  a->set_obstacle([hang](FileArbiter::Step step) { hang->at(step); });
  CHECK(bench.wait(a->claim(0, "a")).claim == Claim::unreachable);
  hang->let_go();
  // Behind it in the same queue: when this is answered, the claim is done with.
  const ClaimAnswer looked = bench.wait(a->read());
  CHECK(looked.claim == Claim::denied);
  CHECK(looked.record == ArbiterRecord{});
  CHECK(bench.wait(bench.client()->claim(0, "b")).claim == Claim::granted);
}

TEST_CASE("a claim that hung while it was decided is unknown, and nobody gets an answer before it is decided") {
  Bench bench;
  auto hang = std::make_shared<Hang>(FileArbiter::Step::link);
  auto a = bench.client();
  a->set_obstacle([hang](FileArbiter::Step step) { hang->at(step); });
  CHECK(bench.wait(a->claim(0, "a")).claim == Claim::unknown);
  SUBCASE("a look waits for it") {
    CHECK(bench.wait(a->read()).claim == Claim::unreachable);
    hang->let_go();
    const ClaimAnswer looked = bench.wait(a->read());
    CHECK(looked.claim == Claim::denied);
    CHECK(looked.record == ArbiterRecord{1, "a"});
  }
  SUBCASE("somebody else may be faster, and then it comes to nothing") {
    CHECK(bench.wait(bench.client()->claim(0, "b")).claim == Claim::granted);
    hang->let_go();
    CHECK(bench.wait(a->read()).record == ArbiterRecord{1, "b"});
    CHECK(bench.wait(a->claim(0, "a")).claim == Claim::denied);
  }
}

TEST_CASE("a storage that hangs stops neither the event loop nor the end of the arbiter") {
  Bench bench;
  auto hang = std::make_shared<Hang>(FileArbiter::Step::link);
  {
    auto a = bench.client();
    a->set_obstacle([hang](FileArbiter::Step step) { hang->at(step); });
    auto claimed = a->claim(0, "a");
    hang->wait_for_it();
    bench.io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(bench.io.waitScope);
  }
  hang->let_go();
}

TEST_CASE("thirty-two threads that claim at once: each term is granted to nobody but the one whom its file names") {
  TemporaryFolder folder;
  constexpr Term terms = 40;
  std::mutex mutex;
  std::vector<std::vector<std::string>> granted(terms);
  std::vector<bool> in_doubt(terms, false);
  std::vector<std::thread> threads;
  for (int who = 0; who < 32; ++who) {
    threads.emplace_back([&, who] {
      auto io = kj::setupAsyncIo();
      FileArbiter arbiter(folder / "terms", "pair", io.provider->getTimer());
      const std::string name = "r" + std::to_string(who);
      for (Term term = 0; term < terms;) {
        const ClaimAnswer answer = arbiter.claim(term, name).wait(io.waitScope);
        const std::lock_guard lock(mutex);
        if (answer.claim == Claim::granted) granted[term].push_back(name);
        if (answer.claim == Claim::unknown) in_doubt[term] = true;
        // Otherwise the disk is slow.
        if (answer.claim == Claim::granted || answer.claim == Claim::denied) term = answer.record.term;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (Term term = 0; term < terms; ++term) {
    CAPTURE(term);
    const std::string path = folder / ("terms.term-" + std::to_string(term + 1));
    const auto record = parse_record_text(contents_of(path), "pair", path);
    REQUIRE(record.ok());
    std::string told;
    for (const std::string& name : granted[term]) told += (told.empty() ? "" : " and ") + name;
    // Who was overtaken while it was being told is denied; nobody overtakes the last one.
    const bool overtaken = term + 1 < terms;
    if (told.empty() && (in_doubt[term] || overtaken)) continue;
    CHECK(told == record.value().holder);
  }
}

TEST_CASE("no drafts are left behind") {
  Bench bench;
  auto a = bench.client();
  for (Term term = 0; term < 9; ++term) CHECK(bench.wait(a->claim(term, "a")).claim == Claim::granted);
  CHECK(bench.wait(bench.client()->claim(3, "b")).claim == Claim::denied);
  CHECK(bench.wait(bench.client()->read()).record == ArbiterRecord{9, "a"});
  CHECK(bench.leftovers() == 0);
}

TEST_CASE("the latest of many terms is found by who starts afresh") {
  Bench bench;
  for (Term term = 1; term <= 70; ++term) {
    put(bench.folder / ("terms.term-" + std::to_string(term)), record_text("pair", {term, "a"}));
    CHECK(bench.wait(bench.client()->read()).record == ArbiterRecord{term, "a"});
  }
}

TEST_CASE("a damaged or foreign term is refused, and not raised") {
  Bench bench;
  CHECK(bench.wait(bench.client()->claim(0, "a")).claim == Claim::granted);
  const std::string path = bench.folder / "terms.term-1";
  const std::string whole = contents_of(path);
  const auto refused = [&](const std::string& pair, const char* word) {
    for (const ClaimAnswer& answer :
         {bench.wait(bench.client(pair)->read()), bench.wait(bench.client(pair)->claim(1, "b"))}) {
      CAPTURE(answer.why);
      CHECK(answer.claim == Claim::unreachable);
      CHECK(answer.why.find(word) != std::string::npos);
      CHECK(answer.why.find(path) != std::string::npos);
    }
  };
  refused("other", "belongs to the pair 'pair'");
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    put(path, whole.substr(0, cut));
    refused("pair", "damaged");
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    put(path, flipped);
    refused("pair", "damaged");
  }
  put(path, record_text("pair", {2, "a"}));
  refused("pair", "another term");
  put(path, whole);
  CHECK(bench.wait(bench.client()->claim(1, "b")).claim == Claim::granted);
}

}  // namespace
}  // namespace lockstitch::sync
