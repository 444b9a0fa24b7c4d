// See arbiter_stand.h.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/peer/arbiter_stand.h"

namespace lockstitch::test {

namespace {

constexpr const char* etcd = "/usr/bin/etcd";

unsigned free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  LS_ASSERT(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  LS_ASSERT(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

}  // namespace

std::string EtcdStand::why_not() {
  return ::access(etcd, X_OK) == 0 ? "" : std::string(etcd) + " is not installed (package etcd-server)";
}

EtcdStand::EtcdStand(kj::AsyncIoContext& io) : io_(io) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    start();
    // Until it ends by itself, for somebody else took the port, or answers.
    while (::waitpid(process_, nullptr, WNOHANG) == 0) {
      if (answers()) return;
      io_.provider->getTimer().afterDelay(20 * kj::MILLISECONDS).wait(io_.waitScope);
    }
  }
  LS_ASSERT(!"etcd does not start");
}

EtcdStand::~EtcdStand() { vanish(); }

void EtcdStand::start() {
  port_ = free_port();
  const std::string url = "http://127.0.0.1:" + std::to_string(port_);
  const std::string peer_url = "http://127.0.0.1:" + std::to_string(free_port());
  const std::string data = folder_ / ("data-" + std::to_string(port_));
  process_ = ::fork();
  LS_ASSERT(process_ >= 0);
  if (process_ > 0) return;
  const int nowhere = ::open("/dev/null", O_RDWR);
  ::dup2(nowhere, 0);
  ::dup2(nowhere, 1);
  ::dup2(nowhere, 2);
  ::execl(etcd, etcd, "--name", "one", "--data-dir", data.c_str(), "--listen-client-urls", url.c_str(),
          "--advertise-client-urls", url.c_str(), "--listen-peer-urls", peer_url.c_str(),
          "--initial-advertise-peer-urls", peer_url.c_str(), "--initial-cluster", ("one=" + peer_url).c_str(), nullptr);
  ::_exit(127);
}

bool EtcdStand::answers() { return client("probe")->read().wait(io_.waitScope).claim == sync::Claim::denied; }

kj::Own<sync::Arbiter> EtcdStand::client(const std::string& pair) {
  auto made = sync::make_arbiter("etcd:127.0.0.1:" + std::to_string(port_), pair, {}, io_);
  LS_ASSERT(made.ok());
  return std::move(made).value();
}

void EtcdStand::vanish() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

}  // namespace lockstitch::test
