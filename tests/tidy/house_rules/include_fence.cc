// See include_fence.h. The tables are the rules; a new layer or library needs a line here and a reason in its commit.
#include "tests/tidy/house_rules/include_fence.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lockstitch::tidy {

namespace {

struct Layer {
  std::string_view folder;
  std::vector<std::string_view> sees;  ///< folders besides its own; include/ is spelled "lockstitch"
  bool core;                           ///< deterministic: no header of the host
};

// The first that holds the file counts.
const std::vector<Layer> layers = {
    {"include", {"lockstitch"}, true},
    {"devices", {"lockstitch"}, true},
    {"vmm/machine", {"lockstitch"}, true},
    {"vmm/engine/interp", {"lockstitch"}, true},
    {"vmm/engine/jit", {"lockstitch", "vmm/engine/interp"}, true},
    {"vmm/engine/kvm", {"lockstitch", "vmm/engine/interp"}, false},
    {"vmm/world", {"lockstitch"}, false},
    {"vmm/boot", {"lockstitch"}, true},
    {"vmm/gdb", {"lockstitch"}, false},
    {"vmm/debug", {"lockstitch", "vmm/machine", "vmm/gdb", "sync/log", "sync/tape", "sync/checkpoint"}, false},
    {"sync/log", {"lockstitch"}, false},
    {"sync/tape", {"lockstitch", "sync/log"}, true},
    {"sync/checkpoint", {"lockstitch", "sync/log"}, false},
    {"sync/trace", {"lockstitch", "sync/log", "sync/checkpoint"}, false},
    {"sync/replica", {"lockstitch", "sync/log", "sync/tape"}, true},
    {"sync/peer", {"lockstitch", "sync"}, false},
    {"vmm/app", {"lockstitch", "devices", "vmm", "sync"}, false},
    {"tests", {"lockstitch", "devices", "vmm", "sync", "tools"}, false},
    {"bench", {"lockstitch", "devices", "vmm", "sync"}, false},
    {"tools", {"lockstitch", "devices", "vmm", "sync"}, false},
    {"scripts", {}, false},
};

struct Library {
  std::string_view header;               ///< beginning of the header's name
  std::vector<std::string_view> places;  ///< beginnings of the paths that may include it
};

const std::vector<Library> libraries = {
    {"boost/context/", {"vmm/machine/fiber."}},
    {"xxhash.h", {"vmm/machine/", "sync/", "tests/fuzz/"}},
    {"libslirp.h", {"vmm/world/"}},
    {"slirp/", {"vmm/world/"}},
    {"fmt/",
     {"vmm/engine/kvm/", "vmm/world/", "vmm/app/", "vmm/gdb/", "vmm/debug/", "sync/log/", "sync/checkpoint/",
      "sync/peer/", "sync/trace/", "tests/", "tools/"}},
    {"spdlog/", {"vmm/world/", "vmm/app/", "tools/"}},
    {"CLI/", {"vmm/app/", "tests/unit/app/", "tools/"}},
    {"toml++/", {"vmm/app/", "tests/unit/app/"}},
    {"nlohmann/", {"vmm/app/", "tests/", "tools/"}},
    {"linux/kvm.h", {"vmm/engine/kvm/"}},
    {"capnp/rpc", {"sync/peer/", "tests/"}},
    {"capnp/", {"sync/log/", "sync/checkpoint/", "sync/peer/", "tests/"}},
    {"kj/", {"sync/log/", "sync/checkpoint/", "sync/peer/", "vmm/world/", "tests/"}},
    {"zstd.h", {"sync/log/", "sync/checkpoint/", "sync/peer/", "tests/"}},
    {"openssl/", {"sync/peer/", "tests/"}},
    {"archive.h", {"sync/trace/"}},
    {"archive_entry.h", {"sync/trace/"}},
    {"rfb/", {"vmm/world/"}},
    {"png.h", {"vmm/world/", "tests/unit/display/"}},
    {"libpq-fe.h", {"tools/ledger/"}},
    {"libnbd.h", {"vmm/world/"}},
    {"liburing.h", {"vmm/world/"}},
    {"asmjit/", {"vmm/engine/jit/"}},
    {"Zydis/", {"vmm/debug/", "tests/", "tools/"}},
    {"doctest/", {"tests/"}},
    {"benchmark/", {"bench/"}},
    {"sanitizer/", {"vmm/machine/fiber.", "vmm/engine/", "tests/"}},
};

// Of the standard library: time, threads, files, randomness, and containers whose order is the allocator's.
const std::vector<std::string_view> host_standard = {"thread",
                                                     "chrono",
                                                     "fstream",
                                                     "random",
                                                     "ctime",
                                                     "time.h",
                                                     "unordered_map",
                                                     "unordered_set",
                                                     "filesystem",
                                                     "iostream",
                                                     "mutex",
                                                     "shared_mutex",
                                                     "condition_variable",
                                                     "future",
                                                     "semaphore",
                                                     "barrier",
                                                     "latch",
                                                     "stop_token",
                                                     "csignal",
                                                     "locale",
                                                     "clocale",
                                                     "memory_resource",
                                                     "signal.h",
                                                     "locale.h",
                                                     "atomic"};
const std::vector<std::string_view> plain_standard = {"algorithm",
                                                      "any",
                                                      "array",
                                                      "bit",
                                                      "bitset",
                                                      "cassert",
                                                      "cctype",
                                                      "cerrno",
                                                      "cfenv",
                                                      "cfloat",
                                                      "charconv",
                                                      "cinttypes",
                                                      "climits",
                                                      "cmath",
                                                      "compare",
                                                      "complex",
                                                      "concepts",
                                                      "csetjmp",
                                                      "cstdarg",
                                                      "cstddef",
                                                      "cstdint",
                                                      "cstdio",
                                                      "cstdlib",
                                                      "cstring",
                                                      "deque",
                                                      "exception",
                                                      "forward_list",
                                                      "functional",
                                                      "initializer_list",
                                                      "iomanip",
                                                      "iosfwd",
                                                      "istream",
                                                      "iterator",
                                                      "limits",
                                                      "list",
                                                      "map",
                                                      "memory",
                                                      "new",
                                                      "numbers",
                                                      "numeric",
                                                      "optional",
                                                      "ostream",
                                                      "queue",
                                                      "ranges",
                                                      "ratio",
                                                      "regex",
                                                      "set",
                                                      "source_location",
                                                      "span",
                                                      "sstream",
                                                      "stack",
                                                      "stdexcept",
                                                      "streambuf",
                                                      "string",
                                                      "string_view",
                                                      "system_error",
                                                      "tuple",
                                                      "type_traits",
                                                      "typeinfo",
                                                      "utility",
                                                      "valarray",
                                                      "variant",
                                                      "vector",
                                                      "version",
                                                      "errno.h",
                                                      "stddef.h",
                                                      "stdint.h",
                                                      "stdio.h",
                                                      "stdlib.h",
                                                      "string.h"};
// Operating system, by the beginning of the name.
const std::vector<std::string_view> host_system = {
    "sys/",   "linux/",    "net/",    "netinet/",  "arpa/",      "asm/",    "unistd.h",   "fcntl.h",
    "poll.h", "pthread.h", "sched.h", "termios.h", "dirent.h",   "netdb.h", "ucontext.h", "spawn.h",
    "pty.h",  "dlfcn.h",   "link.h",  "elf.h",     "execinfo.h", "cpuid.h", "ifaddrs.h",  "pwd.h",
    "grp.h",  "syslog.h",  "wait.h",  "setjmp.h",  "glob.h"};

bool one_of(std::string_view name, const std::vector<std::string_view>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
bool begins_with_one_of(std::string_view name, const std::vector<std::string_view>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view b) { return name.starts_with(b); });
}
bool in_folder(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

struct Include {
  std::size_t line;
  std::string header;
  bool angle;
};

std::vector<Include> includes_of(const SourceFile& file) {
  std::vector<Include> includes;
  const std::vector<std::string> code = code_only(file);
  for (std::size_t i = 0; i < code.size(); ++i) {
    std::size_t at = code[i].find_first_not_of(" \t");
    if (at == std::string::npos || code[i][at] != '#') continue;
    at = code[i].find_first_not_of(" \t", at + 1);
    if (at == std::string::npos || code[i].compare(at, 7, "include") != 0) continue;
    const std::size_t open = code[i].find_first_of("<\"", at);
    if (open == std::string::npos) continue;
    const bool angle = code[i][open] == '<';
    const std::size_t close = code[i].find(angle ? '>' : '"', open + 1);
    if (close == std::string::npos) continue;
    includes.push_back({i + 1, code[i].substr(open + 1, close - open - 1), angle});
  }
  return includes;
}

const Layer* layer_of(std::string_view path) {
  for (const Layer& layer : layers) {
    if (in_folder(path, layer.folder)) return &layer;
  }
  return nullptr;
}

std::optional<Finding> check_library(const SourceFile& file, const Layer& layer, const Include& include) {
  const std::string shown = "<" + include.header + ">";
  const auto library = std::find_if(libraries.begin(), libraries.end(),
                                    [&](const Library& l) { return include.header.starts_with(l.header); });
  if (library != libraries.end()) {
    if (begins_with_one_of(file.path, library->places)) return std::nullopt;
    std::string places;
    for (std::string_view place : library->places) places += (places.empty() ? "" : ", ") + std::string(place);
    return Finding{file.path, include.line, shown + " is fenced in " + places,
                   "move what needs it there, behind an interface"};
  }
  if (one_of(include.header, plain_standard)) return std::nullopt;
  if (include.header.ends_with("mmintrin.h") || include.header == "immintrin.h") {
    if (in_folder(file.path, "vmm/engine") || in_folder(file.path, "tests")) return std::nullopt;
    return Finding{file.path, include.line, shown + " names host instructions outside of the engines",
                   "write it in plain C++, or move it to vmm/engine"};
  }
  if (one_of(include.header, host_standard) || begins_with_one_of(include.header, host_system)) {
    if (!layer.core) return std::nullopt;
    return Finding{
        file.path, include.line, shown + " gives " + std::string(layer.folder) + " a way to ask the host (law 1)",
        "take what you need as an arrival or through a port of lockstitch/device.h; the host side is vmm/world"};
  }
  return Finding{file.path, include.line, shown + " is no header this test knows",
                 "if the library is wanted, give it a line and its places in tests/tidy/house_rules/include_fence.cc"};
}

std::optional<Finding> check_own(const SourceFile& file, const Layer& layer, const Include& include) {
  const std::string shown = "\"" + include.header + "\"";
  // Made by the build from firmware/acpi, for vmm/boot alone.
  if (include.header.ends_with(".hex") && layer.folder == "vmm/boot") return std::nullopt;
  if (in_folder(include.header, layer.folder)) return std::nullopt;
  for (std::string_view folder : layer.sees) {
    if (in_folder(include.header, folder)) return std::nullopt;
  }
  if (in_folder(include.header, "sync")) {
    return Finding{file.path, include.line,
                   shown + ": " + std::string(layer.folder) + " would know of recording and replay (law 3)",
                   "the mode is chosen in vmm/app; below it there are only a Source and a Sink"};
  }
  if (include.header.find('/') == std::string::npos || include.header.starts_with(".")) {
    return Finding{file.path, include.line, shown + " does not name its layer",
                   "write the path from the root of the repository, or \"lockstitch/...\" for the contract"};
  }
  return Finding{file.path, include.line, std::string(layer.folder) + " may not include " + shown,
                 "depend on an interface in include/lockstitch and let vmm/app connect the two"};
}

}  // namespace

Findings check_includes(const SourceFile& file) {
  Findings findings;
  if (!file.is_cpp()) return findings;
  const Layer* layer = layer_of(file.path);
  if (layer == nullptr) {
    findings.push_back({file.path, 1, "C++ outside of every layer",
                        "move it into a layer of docs/ARCHITECTURE.md, or give the folder a line in "
                        "tests/tidy/house_rules/include_fence.cc"});
    return findings;
  }
  for (const Include& include : includes_of(file)) {
    auto finding = include.angle ? check_library(file, *layer, include) : check_own(file, *layer, include);
    if (finding) findings.push_back(std::move(*finding));
  }
  return findings;
}

Findings check_core_words(const SourceFile& file) {
  struct Word {
    std::string_view word;
    std::string_view why;
    std::string_view cure;
  };
  static const std::vector<Word> words = {
      {"float", "floats round by the host's mode", "use integers; frequencies are ratios"},
      {"double", "floats round by the host's mode", "use integers; frequencies are ratios"},
      {"unordered_map", "its order is the hash's", "use std::map or a sorted vector"},
      {"unordered_set", "its order is the hash's", "use std::set or a sorted vector"},
      {"chrono", "host time", "take a ClockPort"},
      {"clock_gettime", "host time", "take a ClockPort"},
      {"gettimeofday", "host time", "take a ClockPort"},
      {"rand", "host randomness", "take a seeded generator as state"},
      {"random_device", "host randomness", "take a seeded generator as state"},
      {"mt19937", "randomness that is not state", "take a seeded generator as state"},
      {"getenv", "host environment", "take a constructor parameter"},
      {"thread_local", "state outside of visit()", "make it a member and visit it"},
      {"this_thread", "host threads", "the core has one thread; take an arrival"},
      {"fopen", "host files", "take a block port"},
      {"printf", "host output", "emit an effect, or count it"},
  };
  Findings findings;
  if (!file.is_cpp() || !(file.below("devices") || file.below("vmm/machine"))) return findings;
  const std::vector<std::string> code = code_only(file);
  const auto word_character = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (std::size_t i = 0; i < code.size(); ++i) {
    for (const Word& word : words) {
      for (std::size_t at = code[i].find(word.word); at != std::string::npos; at = code[i].find(word.word, at + 1)) {
        const std::size_t end = at + word.word.size();
        if ((at > 0 && word_character(code[i][at - 1])) || (end < code[i].size() && word_character(code[i][end])))
          continue;
        findings.push_back({file.path, i + 1,
                            "`" + std::string(word.word) + "` in the deterministic core: " + std::string(word.why),
                            std::string(word.cure)});
        break;
      }
    }
  }
  return findings;
}

}  // namespace lockstitch::tidy
