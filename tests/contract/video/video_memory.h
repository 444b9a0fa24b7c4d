// Memory on a device for tests: pages that were never written cost nothing, in memory and in a state image.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "lockstitch/assert.h"
#include "lockstitch/device.h"
#include "tests/contract/support/bench.h"

namespace lockstitch::test {

class VideoMemory final : public DeviceMemory {
 public:
  VideoMemory(std::uint64_t size, TestMap& map)
      : size_(size), bytes_(static_cast<std::uint8_t*>(std::calloc(size, 1))), written_(size / page_bytes), map_(map) {}
  Bytes contents() const override { return {bytes_.get(), size_}; }
  void write(std::uint64_t offset, Bytes in) override {
    LS_ASSERT(offset <= size_ && in.size() <= size_ - offset);
    if (in.empty()) return;
    std::copy(in.begin(), in.end(), bytes_.get() + offset);
    for (std::uint64_t page = offset / page_bytes; page <= (offset + in.size() - 1) / page_bytes; ++page)
      written_[page] = true;
  }
  MapPort& map() override { return map_; }

  /// Pages with something in them.
  void visit(StateVisitor& v) {
    struct Page {
      std::uint64_t number = 0;
      std::array<std::uint8_t, page_bytes> bytes{};
    };
    std::vector<Page> pages;
    for (std::uint64_t number = 0; number < written_.size(); ++number) {
      const Bytes page = contents().subspan(number * page_bytes, page_bytes);
      if (!written_[number] || std::all_of(page.begin(), page.end(), [](std::uint8_t b) { return b == 0; })) continue;
      std::copy(page.begin(), page.end(), pages.emplace_back(Page{number}).bytes.begin());
    }
    Section bench(v, "bench");
    v.list("memory_video", pages, written_.size(), [](StateVisitor& each, Page& page) {
      each.field("number", page.number);
      each.field("bytes", page.bytes);
    });
    if (!v.loading()) return;
    for (std::uint64_t number = 0; number < written_.size(); ++number)
      if (written_[number]) std::fill_n(bytes_.get() + number * page_bytes, page_bytes, std::uint8_t{0});
    for (const Page& page : pages) write(page.number % written_.size() * page_bytes, page.bytes);
  }

 private:
  struct Free {
    void operator()(std::uint8_t* p) const { std::free(p); }
  };
  std::uint64_t size_;
  std::unique_ptr<std::uint8_t[], Free> bytes_;
  std::vector<bool> written_;
  TestMap& map_;
};

}  // namespace lockstitch::test
