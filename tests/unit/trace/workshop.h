// A folder for one test, the files that tests of a trace need, and what lies in a folder afterwards.
#pragma once
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "sync/log/header.h"
#include "sync/trace/image.h"
#include "sync/trace/trace_folder.h"

namespace lockstitch::test {

using Contents = std::vector<std::uint8_t>;
inline constexpr std::size_t mib = 1u << 20;

inline Contents text(const std::string& from) { return {from.begin(), from.end()}; }

inline Contents noise(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Contents contents(bytes);
  for (auto& byte : contents) byte = static_cast<std::uint8_t>(random());
  return contents;
}

/// The seed of a randomised test: LOCKSTITCH_SEED, or another one each time.
inline std::uint64_t chosen_seed() {
  const char* given = std::getenv("LOCKSTITCH_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

class Workshop {
 public:
  Workshop() {
    std::string name = (std::filesystem::temp_directory_path() / "lockstitch-trace-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Workshop() { std::filesystem::remove_all(path_); }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  std::string at(const std::string& name) const { return path_ + "/" + name; }

  std::string write(const std::string& name, const Contents& contents) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(contents.data()), static_cast<std::streamsize>(contents.size()));
    return at(name);
  }

  /// The same contents, with holes where there are whole blocks of zeros.
  std::string write_sparse(const std::string& name, const Contents& contents) const {
    write(name, {});
    std::filesystem::resize_file(at(name), contents.size());
    std::fstream file(at(name), std::ios::binary | std::ios::in | std::ios::out);
    for (std::size_t begin = 0; begin < contents.size(); begin += 4096) {
      const std::size_t bytes = std::min<std::size_t>(4096, contents.size() - begin);
      const auto first = contents.begin() + static_cast<std::ptrdiff_t>(begin);
      if (std::all_of(first, first + static_cast<std::ptrdiff_t>(bytes), [](std::uint8_t b) { return b == 0; })) {
        continue;
      }
      file.seekp(static_cast<std::streamoff>(begin));
      file.write(reinterpret_cast<const char*>(contents.data() + begin), static_cast<std::streamsize>(bytes));
    }
    return at(name);
  }

  Contents read(const std::string& name) const {
    std::ifstream in(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  /// Unit: bytes. What the file takes on the disk.
  std::uint64_t stored_bytes(const std::string& name) const {
    struct stat info {};
    if (::stat(at(name).c_str(), &info) != 0) std::abort();
    return static_cast<std::uint64_t>(info.st_blocks) * 512;
  }

  /// Every file below a folder, by its name in there; folders end in '/'.
  std::map<std::string, Contents> tree(const std::string& name) const {
    std::map<std::string, Contents> all;
    if (!std::filesystem::exists(at(name))) return all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(at(name))) {
      const std::string inner = std::filesystem::relative(entry.path(), at(name)).string();
      if (entry.is_directory()) {
        all[inner + "/"] = {};
      } else {
        all[inner] = read(name + "/" + inner);
      }
    }
    return all;
  }

 private:
  std::string path_;
};

inline sync::ImageReference reference(const std::string& role, const std::string& path) {
  const auto identity = sync::identify_image(path);
  if (!identity.ok()) std::abort();
  return {role, path, identity.value().bytes, identity.value().hash};
}

/// A trace of some files in `name`, with a kernel and a sparse disk beside it.
struct SmallTrace {
  explicit SmallTrace(const Workshop& workshop, const std::string& name = "trace") : folder(workshop.at(name)) {
    workshop.write(name + "/trace.header", text("a header"));
    workshop.write(name + "/log/000000.zst", noise(40'000, 1));
    workshop.write(name + "/log/000001.open", noise(3000, 2));
    workshop.write(name + "/checkpoints/pages", noise(20'000, 3));
    workshop.write(name + "/checkpoints/00000000060000000000.checkpoint", noise(500, 4));
    std::filesystem::create_directories(workshop.at(name + "/images"));
    disk = Contents(5 * mib + 1000);
    const Contents part = noise(5000, 5);
    std::copy(part.begin(), part.end(), disk.begin() + static_cast<std::ptrdiff_t>(2 * mib + 777));
    images = {reference("kernel", workshop.write("host/vmlinuz", noise(30'000, 6))),
              reference("disk0", workshop.write_sparse("host/disk.img", disk))};
  }

  sync::TraceFolder folder;
  Contents disk;
  std::vector<sync::ImageReference> images;
};

}  // namespace lockstitch::test
