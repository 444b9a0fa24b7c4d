// House rules as tests: who may include whom, which headers a layer may use, doc-blocks of devices, openings of files. Each rule
// is a function over one file's text and is shown to catch a planted breach.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct File {
  std::string path;  ///< relative to the root
  std::string text;
};

std::vector<File> sources() {
  const fs::path root = LOCKSTITCH_SOURCE_DIR;
  std::vector<File> files;
  for (const char* top : {"include", "vmm", "devices", "sync", "tests", "bench", "firmware"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string suffix = entry.path().extension();
      if (suffix != ".h" && suffix != ".cc") continue;
      std::ifstream in(entry.path());
      files.push_back({fs::relative(entry.path(), root), {std::istreambuf_iterator<char>(in), {}}});
    }
  }
  return files;
}

bool below(const std::string& path, std::string_view folder) { return path.starts_with(std::string(folder) + "/"); }

std::vector<std::string> includes(const File& file) {
  std::vector<std::string> names;
  const std::string text = "\n" + file.text;
  for (std::size_t at = 0; (at = text.find("\n#include ", at)) != std::string::npos;) {
    at += 10;
    names.push_back(text.substr(at, text.find('\n', at) - at));
  }
  return names;
}

using Complaints = std::vector<std::string>;

// A layer sees the contract and itself; vmm/app, tests and bench see all.
Complaints layers(const File& file) {
  static constexpr const char* fenced[] = {"include",     "devices",  "vmm/engine/interp", "vmm/machine",
                                           "vmm/world",   "vmm/boot", "sync"};
  Complaints found;
  for (const char* layer : fenced) {
    if (!below(file.path, layer)) continue;
    for (const std::string& name : includes(file)) {
      if (!name.starts_with('"')) continue;
      const std::string target = name.substr(1);
      if (!target.starts_with("lockstitch/") && !below(target, layer) && !target.ends_with(".hex\""))
        found.push_back(file.path + " includes " + name + ": layer " + layer + " sees the contract and itself only");
    }
  }
  return found;
}

// The deterministic parts know no host.
Complaints host_headers(const File& file) {
  static constexpr const char* deterministic[] = {"include", "devices", "vmm/engine/interp", "vmm/machine", "vmm/boot"};
  static constexpr const char* banned[] = {"<sys/",    "<unistd.h>", "<fcntl.h>", "<thread>", "<mutex>",         "<condition_variable>",
                                           "<chrono>", "<ctime>",    "<time.h>",  "<random>", "<fstream>",       "<filesystem>",
                                           "<poll.h>", "<signal.h>", "<csignal>", "<future>", "<unordered_map>", "<unordered_set>"};
  Complaints found;
  for (const char* layer : deterministic) {
    if (!below(file.path, layer)) continue;
    for (const std::string& name : includes(file))
      for (const char* header : banned)
        if (name.starts_with(header)) found.push_back(file.path + " includes " + name + ": take it as a port from the board instead");
  }
  return found;
}

struct Fence {
  const char* header;
  std::vector<const char*> allowed;
};

Complaints third_party(const File& file) {
  static const Fence fences[] = {
      {"<boost/context", {"vmm/machine/fiber"}}, {"<xxhash", {"vmm/machine/", "sync/"}},  {"<slirp", {"vmm/world/", "tests/unit/world/"}},
      {"<libslirp", {"vmm/world/"}},             {"<CLI/", {"vmm/app/"}},                 {"<toml++", {"vmm/app/", "tests/unit/app/"}},
      {"<nlohmann", {"vmm/app/", "tests/"}},     {"<linux/kvm", {"vmm/engine/kvm/"}},     {"<capnp", {"sync/", "vmm/world/"}},
      {"<kj", {"sync/", "vmm/world/"}},          {"<fmt", {"vmm/world/", "vmm/app/"}},    {"<Zydis", {"tests/differential/"}},
  };
  Complaints found;
  for (const std::string& name : includes(file))
    for (const Fence& fence : fences) {
      if (!name.starts_with(fence.header)) continue;
      bool allowed = false;
      for (const char* place : fence.allowed) allowed |= file.path.starts_with(place);
      if (!allowed) found.push_back(file.path + " includes " + name + ", which belongs elsewhere (docs/ARCHITECTURE.md, Layers)");
    }
  return found;
}

// Law 3: what runs the machine cannot know whether it is recorded.
Complaints no_tape_below(const File& file) {
  Complaints found;
  if (!below(file.path, "devices") && !below(file.path, "vmm/machine")) return found;
  for (const std::string& name : includes(file))
    if (name.find("sync/") != std::string::npos) found.push_back(file.path + " includes " + name + ": devices and the machine know no mode");
  return found;
}

Complaints doc_block(const File& file) {
  Complaints found;
  if (!below(file.path, "devices") || !file.path.ends_with(".h")) return found;
  const bool device = file.text.find("public Device") != std::string::npos || file.text.find("public VirtioDevice") != std::string::npos;
  if (!device) return found;
  if (file.text.find("class PciFunction :") != std::string::npos) return found;  // a base, not a device
  for (const char* line : {"/// Models:", "/// Maturity:", "/// Missing:", "/// Ignored:", "/// Arrivals:", "/// Effects:", "/// Alarms:", "/// Source:"})
    if (file.text.find(line) == std::string::npos) found.push_back(file.path + ": the doc-block lacks \"" + line + "\"");
  return found;
}

Complaints opening(const File& file) {
  Complaints found;
  if (!file.text.starts_with("//")) found.push_back(file.path + ": begin with a comment that says what the file is responsible for");
  if (file.path.ends_with(".h") && file.text.find("#pragma once") == std::string::npos) found.push_back(file.path + ": no #pragma once");
  const std::string stem = fs::path(file.path).stem();
  for (const char* word : {"util", "common", "manager", "helper"})
    if (stem.find(word) != std::string::npos) found.push_back(file.path + ": \"" + word + "\" says nothing; name the noun");
  const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
  if (lines > 800) found.push_back(file.path + ": " + std::to_string(lines) + " lines; ask what second thing lives there");
  return found;
}

using Rule = Complaints (*)(const File&);

void check_all(Rule rule) {
  const auto files = sources();
  REQUIRE(files.size() > 150);
  for (const File& file : files)
    for (const std::string& complaint : rule(file)) FAIL_CHECK(complaint);
}

}  // namespace

TEST_CASE("every layer includes the contract and itself only") {
  CHECK(layers({"devices/x/y.h", "#include \"vmm/machine/bus.h\"\n"}).size() == 1);
  CHECK(layers({"vmm/app/y.h", "#include \"vmm/machine/bus.h\"\n"}).empty());
  check_all(layers);
}

TEST_CASE("the deterministic layers include no host headers") {
  CHECK(host_headers({"vmm/machine/y.cc", "#include <chrono>\n"}).size() == 1);
  CHECK(host_headers({"vmm/world/y.cc", "#include <chrono>\n"}).empty());
  check_all(host_headers);
}

TEST_CASE("third-party headers stay behind their fences") {
  CHECK(third_party({"devices/x.cc", "#include <xxhash.h>\n"}).size() == 1);
  CHECK(third_party({"vmm/machine/x.cc", "#include <xxhash.h>\n"}).empty());
  check_all(third_party);
}

TEST_CASE("devices and the machine do not include the tape") {
  CHECK(no_tape_below({"devices/x.cc", "#include \"sync/tape/recorder.h\"\n"}).size() == 1);
  check_all(no_tape_below);
}

TEST_CASE("every device has its doc-block") {
  CHECK(doc_block({"devices/x.h", "class X final : public Device {\n"}).size() == 8);
  check_all(doc_block);
}

TEST_CASE("every file says what it is for, and stays small") {
  CHECK(opening({"devices/x_util.h", "int x;\n"}).size() == 3);
  check_all(opening);
}
