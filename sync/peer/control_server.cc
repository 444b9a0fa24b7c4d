// See control_server.h.
#include "sync/peer/control_server.h"

#include <kj/compat/http.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "sync/log/file_bytes.h"
#include "sync/peer/reason.h"

namespace lockstitch::sync {
namespace {

constexpr std::size_t line_max_bytes = 256;

class Metrics final : public kj::HttpService {
 public:
  Metrics(const kj::HttpHeaderTable& table, ControlHandler& handler) : table_(table), handler_(handler) {}

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders&, kj::AsyncInputStream&,
                            Response& response) override {
    const bool known = (method == kj::HttpMethod::GET || method == kj::HttpMethod::HEAD) && url == "/metrics";
    auto text = kj::heapString(known ? handler_.metrics().c_str() : "metrics are at /metrics\n");
    kj::HttpHeaders headers(table_);
    headers.set(kj::HttpHeaderId::CONTENT_TYPE, "text/plain; version=0.0.4");
    auto body = response.send(known ? 200 : 404, known ? "OK" : "Not Found", headers, text.size());
    auto written = body->write(text.begin(), text.size());
    return written.attach(kj::mv(body), kj::mv(text));
  }

 private:
  const kj::HttpHeaderTable& table_;
  ControlHandler& handler_;
};

bool somebody_answers(const sockaddr_un& address) {
  const FileHandle fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

class Server final : public ControlServer, private kj::TaskSet::ErrorHandler {
 public:
  Server(kj::AsyncIoContext& io, ControlHandler& handler)
      : timer_(io.provider->getTimer()),
        handler_(handler),
        table_(kj::HttpHeaderTable::Builder().build()),
        metrics_(*table_, handler),
        http_(timer_, *table_, metrics_),
        tasks_(*this) {}
  ~Server() noexcept(false) override {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void listen(kj::Own<kj::ConnectionReceiver> socket, std::string path) {
    path_ = std::move(path);
    socket_ = kj::mv(socket);
    tasks_.add(accept());
  }
  void serve_metrics(kj::Own<kj::ConnectionReceiver> port) {
    auto& raw = *port;
    tasks_.add(http_.listenHttp(raw).attach(kj::mv(port)));
  }

 private:
  struct Client {
    kj::Own<kj::AsyncIoStream> stream;
    std::string line;
    char piece[line_max_bytes];
  };

  kj::Promise<void> accept() {
    return socket_->accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
      auto client = kj::heap<Client>();
      client->stream = kj::mv(stream);
      auto served = serve(*client);
      tasks_.add(served.attach(kj::mv(client)));
      return accept();
    });
  }

  kj::Promise<void> serve(Client& client) {
    const std::size_t end = client.line.find('\n');
    if (std::min(end, client.line.size()) >= line_max_bytes) return kj::READY_NOW;
    if (end == std::string::npos) {
      return client.stream->tryRead(client.piece, 1, sizeof client.piece).then([this, &client](size_t got) {
        client.line.append(client.piece, got);
        return got == 0 ? kj::Promise<void>(kj::READY_NOW) : serve(client);
      });
    }
    const std::string answer = handler_.command(client.line.substr(0, end)) + "\n";
    client.line.erase(0, end + 1);
    auto bytes = kj::heapArray<kj::byte>(reinterpret_cast<const kj::byte*>(answer.data()), answer.size());
    auto written = client.stream->write(bytes.begin(), bytes.size());
    return written.attach(kj::mv(bytes)).then([this, &client] { return serve(client); });
  }

  void taskFailed(kj::Exception&&) override {}  // a client that went away

  kj::Timer& timer_;
  ControlHandler& handler_;
  kj::Own<kj::HttpHeaderTable> table_;
  Metrics metrics_;
  kj::HttpServer http_;
  std::string path_;
  kj::Own<kj::ConnectionReceiver> socket_;
  kj::TaskSet tasks_;
};

}  // namespace

Result<kj::Own<ControlServer>> ControlServer::open(kj::AsyncIoContext& io, const std::string& path,
                                                   const std::string& metrics, ControlHandler& handler) {
  auto server = kj::heap<Server>(io, handler);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ExitCode::usage, "the control socket's path is too long: " + path + "; choose a shorter --control"};
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  if (somebody_answers(address)) {
    return Error{ExitCode::unavailable,
                 "another replica answers on '" + path + "'; end it, or choose another --control"};
  }
  ::unlink(path.c_str());
  try {
    auto& network = io.provider->getNetwork();
    auto socket = network.parseAddress(("unix:" + path).c_str()).wait(io.waitScope);
    server->listen(socket->listen(), path);
    ::chmod(path.c_str(), 0600);
  } catch (const kj::Exception& exception) {
    return Error{ExitCode::unavailable, "the control socket '" + path + "' cannot be made (" + reason(exception) + ")"};
  }
  if (metrics.empty()) return kj::Own<ControlServer>(kj::mv(server));
  try {
    auto port = io.provider->getNetwork().parseAddress(metrics.c_str()).wait(io.waitScope);
    server->serve_metrics(port->listen());
  } catch (const kj::Exception& exception) {
    return Error{ExitCode::unavailable, "metrics cannot be served on '" + metrics + "' (" + reason(exception) + ")"};
  }
  return kj::Own<ControlServer>(kj::mv(server));
}

}  // namespace lockstitch::sync
