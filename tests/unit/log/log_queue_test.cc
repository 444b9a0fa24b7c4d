// The queue between the core and the writer of the log.
#include "sync/log/log_queue.h"

#include <thread>

#include "tests/unit/log/sample_log.h"

namespace lockstitch::test {

using namespace sync;

TEST_CASE("what was appended is taken in order, with the horizon behind it") {
  LogQueue queue;
  queue.append({Tick{5}, MarkEntry{"a"}});
  queue.append({Tick{6}, MarkEntry{"b"}});
  queue.passed(Tick{9});
  std::vector<Entry> out;
  REQUIRE(queue.take(out));
  REQUIRE(out.size() == 3);
  CHECK(std::get<MarkEntry>(out[0].body).text == "a");
  CHECK(std::get<MarkEntry>(out[1].body).text == "b");
  CHECK(std::holds_alternative<HorizonEntry>(out[2].body));
  CHECK(out[2].tick == Tick{9});
}

TEST_CASE("a horizon is told once, and tick 0 is one") {
  LogQueue queue;
  std::vector<Entry> out;
  CHECK(!queue.take(out));
  queue.passed(Tick{0});
  CHECK(queue.take(out));
  CHECK(out.at(0).tick == Tick{0});
  queue.passed(Tick{0});
  CHECK(!queue.take(out));
}

TEST_CASE("a horizon never goes behind an entry that came later") {
  LogQueue queue;
  std::vector<Entry> out;
  queue.passed(Tick{7});
  queue.append({Tick{20}, MarkEntry{"later"}});
  REQUIRE(queue.take(out));
  CHECK(out.size() == 1);
}

TEST_CASE("a horizon never goes behind an entry that was taken before, either") {
  LogQueue queue;
  std::vector<Entry> out;
  queue.append({Tick{20}, MarkEntry{"among the inputs of its tick"}});
  REQUIRE(queue.take(out));
  queue.passed(Tick{19});
  CHECK(!queue.take(out));
  queue.passed(Tick{20});
  REQUIRE(queue.take(out));
  CHECK(out.at(0).tick == Tick{20});
}

TEST_CASE("the core waits when the writer is far behind, and never again once the writer has failed") {
  LogQueue queue;
  const std::vector<std::uint8_t> large(60'000);
  std::thread core([&] {
    for (unsigned i = 0; i < 3000; ++i) queue.append({Tick{i}, ArrivalEntry{PortId{1}, {}, large}});
  });
  std::vector<Entry> out;
  std::size_t most = 0;
  for (int i = 0; i < 3; ++i) {
    while (!queue.take(out)) std::this_thread::yield();
    most = std::max(most, out.size());
  }
  CHECK(most * large.size() <= LogQueue::max_bytes);
  queue.release();
  core.join();
}

}  // namespace lockstitch::test
