// See nbd_server.h.
#include "vmm/world/nbd_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace lockstitch::world {

namespace {

constexpr std::string_view package = "qemu-utils";
/// Unit: ms. To write what it holds and end, after we have hung up.
constexpr int grace_ms = 30'000;

Error no_socket(std::string_view what) {
  return {ExitCode::unavailable, fmt::format("A socket for qemu-nbd cannot be made in '{}' ({}); make room there.",
                                             what, std::strerror(errno))};
}

/// QEMU takes what stands before a colon for a protocol, and a dash for an option; neither begins with a slash.
std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  char here[PATH_MAX];
  return ::getcwd(here, sizeof here) != nullptr ? fmt::format("{}/{}", here, path) : path;
}

struct SocketPair {
  Descriptor listening, connected;
};

/// In P_tmpdir and not in $TMPDIR, for the name of a socket has room for 107 bytes.
Result<SocketPair> make_sockets() {
  std::string folder = P_tmpdir "/lockstitch-nbd-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return no_socket(P_tmpdir);
  const std::string name = folder + "/socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  const auto* where = reinterpret_cast<const sockaddr*>(&address);
  SocketPair pair{Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                  Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  const bool done = pair.listening && pair.connected && ::bind(pair.listening.get(), where, sizeof address) == 0 &&
                    ::listen(pair.listening.get(), 1) == 0 &&
                    ::connect(pair.connected.get(), where, sizeof address) == 0;
  const int number = errno;
  ::unlink(name.c_str());
  ::rmdir(folder.c_str());
  errno = number;
  if (!done) return no_socket(folder);
  return pair;
}

/// The first line of what a tool said, without what we say ourselves.
std::string first_words(const std::string& said, const std::string& path) {
  std::string line = said.substr(0, said.find('\n'));
  const auto drop = [&](const std::string& beginning) {
    if (line.starts_with(beginning)) line.erase(0, beginning.size());
  };
  drop("qemu-nbd: ");
  drop("qemu-img: ");
  drop(fmt::format("Failed to blk_new_open '{}': ", path));
  drop(fmt::format("Could not open '{}': ", path));
  drop("ERROR: ");
  drop("ERROR ");
  line.resize(std::min<std::size_t>(line.size(), 300));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  while (line.ends_with('.') || line.ends_with(' ')) line.pop_back();
  return line.empty() ? "it says nothing" : line;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

/// `tool`: who said it.
Error explain(const NbdImage& image, std::string_view tool, const std::string& said) {
  const std::string words = first_words(said, absolute(image.path));
  if (has(said, "Failed to get") && has(said, "lock")) {
    return {ExitCode::unavailable,
            fmt::format("The disk image '{}' is in use by another process; end that one{} ({}: {}).", image.path,
                        image.read_only ? "" : " or use the image with an overlay in both", tool, words)};
  }
  if (has(said, "Could not open backing file") || has(said, "No such file")) {
    return {ExitCode::missing_input,
            fmt::format("A file that the disk image '{}' is based on cannot be opened ({}: {}); put it where it was, "
                        "or name its new place with `qemu-img rebase -u`.",
                        image.path, tool, words)};
  }
  if (has(said, "Permission denied")) {
    return {ExitCode::missing_input, fmt::format("A file of the disk image '{}' may not be opened by you ({}: {}); "
                                                 "check its permissions.",
                                                 image.path, tool, words)};
  }
  if (has(said, "encrypt") || has(said, "secret")) {
    return {ExitCode::bad_input,
            fmt::format("The disk image '{}' is encrypted ({}: {}), which Lockstitch does not read; convert it with "
                        "`qemu-img convert`.",
                        image.path, tool, words)};
  }
  return {ExitCode::bad_input,
          fmt::format("The disk image '{}' cannot be used as {} ({}: {}); copy it again if it is cut off, or repair a "
                      "copy with `qemu-img check -r all`.",
                      image.path, name_of(image.format), tool, words)};
}

}  // namespace

Result<NbdServer> NbdServer::start(const NbdImage& image) {
  auto sockets = make_sockets();
  if (!sockets.ok()) return sockets.error();
  std::vector<std::string> arguments{"qemu-nbd", fmt::format("--format={}", name_of(image.format)), "--shared=1",
                                     "--cache=writeback", "--discard=unmap"};
  if (image.read_only) arguments.emplace_back("--read-only");
  arguments.push_back(absolute(image.path));
  auto process = ChildProcess::start(arguments, sockets.value().listening.get(), package);
  if (!process.ok()) return process.error();
  return NbdServer(std::move(process).value(), std::move(sockets.value().connected));
}

Error NbdServer::why_ended(const NbdImage& image) {
  process_.end(grace_ms);
  return explain(image, "qemu-nbd", process_.said());
}

void NbdServer::end() { process_.end(grace_ms); }

Outcome check_image(const NbdImage& image) {
  auto process = ChildProcess::start(
      {"qemu-img", "check", "-q", "-f", std::string(name_of(image.format)), absolute(image.path)}, -1, package);
  if (!process.ok()) return process.error();
  constexpr int good = 0, leaks = 3, no_such_check = 63;  // qemu-img(1), check
  const int code = process.value().wait();
  if (code == good || code == leaks || code == no_such_check) return success();
  return explain(image, "qemu-img", process.value().said());
}

}  // namespace lockstitch::world
