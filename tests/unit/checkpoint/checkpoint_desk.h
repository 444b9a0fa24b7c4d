// Checkpoints for tests: a machine that is only pages, whose changes are handed to a writer, and what a checkpoint
// gives back compared with what it was.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "sync/checkpoint/checkpoint_file.h"
#include "sync/checkpoint/checkpoint_writer.h"
#include "tests/unit/world/temporary_folder.h"

namespace lockstitch::test {

inline const Digest this_trace{0x0123'4567'89ab'cdef, 77}, other_trace{0x0123'4567'89ab'cdef, 78};

using Page = std::vector<std::uint8_t>;

/// What a region holds, by page; what is not there is as at power-on.
using Pages = std::map<std::uint64_t, Page>;

inline std::uint64_t seed() {
  const char* text = std::getenv("LOCKSTITCH_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 0) : 1;
}

/// Different for every number, and not compressible to nothing.
inline Page page_of(std::uint64_t number) {
  std::mt19937_64 random(number);
  Page page(page_bytes, static_cast<std::uint8_t>(number));
  for (unsigned i = 0; i < 32; ++i) page[random() % page.size()] = static_cast<std::uint8_t>(random());
  for (unsigned i = 0; i < 8; ++i) page[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return page;
}

inline Page zero_page() { return Page(page_bytes); }

class PagesMachine {
 public:
  explicit PagesMachine(std::vector<sync::RegionShape> shapes) : shapes_(std::move(shapes)) {
    regions_.resize(shapes_.size());
    changes_.resize(shapes_.size());
  }

  const std::vector<sync::RegionShape>& shapes() const { return shapes_; }
  const std::vector<Pages>& regions() const { return regions_; }

  void write(std::size_t region, std::uint64_t page, const Page& contents) {
    regions_[region][page] = contents;
    changes_[region][page] = contents;
  }

  /// What changed since the last one.
  sync::Snapshot snapshot(Tick tick) {
    sync::Snapshot taken;
    taken.tick = tick;
    taken.ns = VirtualNs{tick.value * 3};
    taken.digest = {tick.value, 5};
    taken.state = Page(1000 + tick.value % 100, static_cast<std::uint8_t>(tick.value));
    for (Pages& region : changes_) {
      sync::PageChanges changes;
      for (const auto& [number, contents] : region) {
        changes.numbers.push_back(number);
        changes.contents.insert(changes.contents.end(), contents.begin(), contents.end());
      }
      taken.regions.push_back(std::move(changes));
      region.clear();
    }
    return taken;
  }

 private:
  std::vector<sync::RegionShape> shapes_;
  std::vector<Pages> regions_, changes_;
};

inline std::unique_ptr<sync::CheckpointWriter> writer_in(const std::string& folder,
                                                         const std::vector<sync::RegionShape>& shapes) {
  auto writer = sync::CheckpointWriter::open(folder, this_trace, shapes);
  REQUIRE_MESSAGE(writer.ok(), writer.error().text);
  return std::move(writer).value();
}

/// Everything that a checkpoint gives, or why it gives nothing.
struct Loaded {
  std::vector<Pages> regions;
  std::string error;
  ExitCode code = ExitCode::ok;
};

inline Loaded load_all(const std::string& path) {
  Loaded loaded;
  const auto file = sync::CheckpointFile::open(path, this_trace);
  if (!file.ok()) return {{}, file.error().text, file.error().code};
  for (std::size_t region = 0; region < file.value().shapes().size(); ++region) {
    loaded.regions.emplace_back();
    Pages& pages = loaded.regions.back();
    const Outcome outcome = file.value().load(region, [&](std::uint64_t number, Bytes contents) {
      CHECK(pages.emplace(number, Page(contents.begin(), contents.end())).second);
    });
    if (!outcome) return {{}, outcome.error().text, outcome.error().code};
  }
  const Outcome verified = file.value().verify();
  CHECK(verified.ok());
  return loaded;
}

/// The pages of a checkpoint without those that are as at power-on of RAM, so that a listed zero page counts as none.
inline std::vector<Pages> without_zeros(std::vector<Pages> regions) {
  const Page zeros = zero_page();
  for (Pages& region : regions) std::erase_if(region, [&](const auto& page) { return page.second == zeros; });
  return regions;
}

}  // namespace lockstitch::test
