// See vnc_server.h.
#include "vmm/world/vnc_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <rfb/rfb.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

// A header for C only.
extern "C" {
#include <rfb/rfbregion.h>
}

#include "vmm/world/descriptor.h"
#include "vmm/world/host_file.h"
#include "vmm/world/tiles.h"
#include "vmm/world/viewer_input.h"

namespace lockstitch::world {

namespace {

using Time = std::chrono::steady_clock;

/// Unit: ms. A viewer that takes or sends nothing in the middle of a message for longer is disconnected; all others
/// wait for it meanwhile.
constexpr int patience_ms = 2000;
/// Unit: ms. How soon a picture that the core has made is noticed.
constexpr int look_ms = 15;
/// Unit: ms. How long the first viewer waits for a picture of now.
constexpr int first_picture_ms = 200;
constexpr unsigned first_width = 640, first_height = 480;
constexpr std::size_t password_file_max_bytes = 4096;

struct Address {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
};

Address address_of(const VncPlace& place) {
  Address address;
  sockaddr_in v4{};
  if (::inet_pton(AF_INET, place.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(place.port);
    address.bytes = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
    return address;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(place.port);
  (void)::inet_pton(AF_INET6, place.address.c_str(), &v6.sin6_addr);
  address.bytes = sizeof v6;
  std::memcpy(&address.storage, &v6, sizeof v6);
  return address;
}

Result<Descriptor> listen_at(const VncPlace& place) {
  const Address address = address_of(place);
  Descriptor fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (fd) (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.bytes) == 0 &&
      ::listen(fd.get(), VncServer::max_viewers) == 0) {
    return fd;
  }
  if (errno == EADDRINUSE) {
    return Error{ExitCode::unavailable,
                 fmt::format("The VNC server cannot use port {} of {}: something else is there; choose another one.",
                             place.port, place.address)};
  }
  return Error{ExitCode::unavailable, fmt::format("The VNC server cannot use port {} of {}: {}; choose another place.",
                                                  place.port, place.address, std::strerror(errno))};
}

std::uint16_t port_of(int listener) {
  sockaddr_storage storage{};
  socklen_t bytes = sizeof storage;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&storage), &bytes) != 0) return 0;
  sockaddr_in v4{};  // the port lies at the same place in both
  std::memcpy(&v4, &storage, sizeof v4);
  return ntohs(v4.sin_port);
}

}  // namespace

class VncServer::Work {
 public:
  Work(const VncOptions& options, Display& display, Inbox& inbox, Descriptor listener, Descriptor wake)
      : display_(display),
        name_(options.name),
        password_(options.password),
        listener_(std::move(listener)),
        wake_(std::move(wake)),
        input_(inbox, options.keyboard, options.mouse, options.tablet) {}
  ~Work() { stop(); }

  /// Fails: the host gives no memory or no thread.
  Outcome start();
  std::uint16_t port() const { return port_of(listener_.get()); }

 private:
  struct Viewer {
    Work& work;
    Descriptor fd;  ///< a second one, so that stop() can free a thread that waits for this viewer
    HeldKeys held;
  };

  void run();
  void wait();
  void accept();
  void wait_for_first_picture();
  bool picture_wanted() const;
  /// True: there is a new picture.
  bool refresh();
  void resize();
  void stop();

  static void viewer_gone(rfbClientPtr client);
  static void key_event(rfbBool down, rfbKeySym keysym, rfbClientPtr client);
  static void pointer_event(int buttons, int x, int y, rfbClientPtr client);

  Display& display_;
  const std::string name_;
  std::string password_;
  char* passwords_[2] = {nullptr, nullptr};
  const Descriptor listener_, wake_;
  ViewerInput input_;
  rfbScreenInfoPtr screen_ = nullptr;
  Picture shown_, fresh_;
  std::uint64_t seen_ = 0;
  Time::time_point next_frame_{};
  std::mutex mutex_;  ///< of viewers_, which stop() looks at
  std::list<Viewer> viewers_;
  std::vector<pollfd> fds_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

Outcome VncServer::Work::start() {
  rfbLogEnable(FALSE);  // it would write into the guest's console
  shown_ = {first_width, first_height, std::vector<std::uint32_t>(std::size_t{first_width} * first_height)};
  screen_ = rfbGetScreen(nullptr, nullptr, first_width, first_height, 8, 3, 4);
  if (screen_ == nullptr) return Error{ExitCode::unavailable, "The host has no memory for a VNC server."};
  screen_->screenData = this;
  screen_->frameBuffer = reinterpret_cast<char*>(shown_.pixels.data());
  screen_->desktopName = name_.c_str();
  screen_->cursor = nullptr;  // the guest draws its own
  screen_->autoPort = FALSE;
  screen_->port = screen_->ipv6port = screen_->httpPort = screen_->http6Port = -1;  // we listen
  screen_->alwaysShared = TRUE;
  screen_->deferUpdateTime = screen_->deferPtrUpdateTime = 0;
  screen_->maxClientWait = patience_ms;
  screen_->permitFileTransfer = FALSE;
  screen_->ignoreSIGPIPE = FALSE;
  screen_->kbdAddEvent = key_event;
  screen_->ptrAddEvent = pointer_event;
  screen_->setXCutText = [](char*, int, rfbClientPtr) {};
  if (!password_.empty()) {
    passwords_[0] = password_.data();
    screen_->authPasswdData = passwords_;
    screen_->passwordCheck = rfbCheckPasswordByList;
  }
  rfbInitServer(screen_);
  resize();
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return Error{ExitCode::unavailable, fmt::format("The host gives no thread ({}); raise its limit.", error.what())};
  }
  return success();
}

void VncServer::Work::stop() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
  {
    std::lock_guard lock(mutex_);
    for (const Viewer& viewer : viewers_) ::shutdown(viewer.fd.get(), SHUT_RDWR);
  }
  if (thread_.joinable()) thread_.join();
  if (screen_ == nullptr) return;
  rfbShutdownServer(screen_, TRUE);
  rfbScreenCleanup(screen_);
  screen_ = nullptr;
}

void VncServer::Work::run() {
  sigset_t all;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&all, fault);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (!stopping_) {
    wait();
    if (stopping_) break;
    rfbProcessEvents(screen_, 0);
    input_.flush();
    if (refresh()) rfbProcessEvents(screen_, 0);
  }
}

void VncServer::Work::wait() {
  fds_ = {{wake_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
  for (const Viewer& viewer : viewers_) fds_.push_back({viewer.fd.get(), POLLIN, 0});
  const bool idle = viewers_.empty() && !input_.waits();
  const int ready = ::poll(fds_.data(), fds_.size(), idle ? -1 : look_ms);
  if (ready > 0 && fds_[1].revents != 0) accept();
}

void VncServer::Work::accept() {
  Descriptor fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  // The library waits with select().
  if (!fd || fd.get() >= FD_SETSIZE || viewers_.size() >= max_viewers) return;
  Descriptor second(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!second) return;
  if (viewers_.empty()) wait_for_first_picture();
  {
    std::lock_guard lock(mutex_);
    viewers_.push_back({*this, std::move(second), {}});
  }
  Viewer& viewer = viewers_.back();
  const rfbClientPtr client = rfbNewClient(screen_, fd.get());
  (void)fd.release();  // the library has it, and has closed it if there is no client
  if (client == nullptr) {
    std::lock_guard lock(mutex_);
    viewers_.pop_back();
    return;
  }
  client->clientData = &viewer;
  client->clientGoneHook = viewer_gone;
}

/// What was shown to earlier viewers may be long ago, and of another size.
void VncServer::Work::wait_for_first_picture() {
  display_.want();
  const auto until = Time::now() + std::chrono::milliseconds(first_picture_ms);
  const std::uint64_t before = seen_;
  while (seen_ == before && !stopping_ && Time::now() < until) {
    refresh();
    if (seen_ == before) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

bool VncServer::Work::picture_wanted() const {
  for (rfbClientPtr client = screen_->clientHead; client != nullptr; client = client->next) {
    if (client->state == rfbClientRec::RFB_NORMAL && sraRgnEmpty(client->requestedRegion) == FALSE) return true;
  }
  return false;
}

bool VncServer::Work::refresh() {
  const auto now = Time::now();
  if (now >= next_frame_ && picture_wanted()) {
    display_.want();
    next_frame_ = now + std::chrono::milliseconds(frame_ms);
  }
  if (!display_.take(fresh_, seen_) || fresh_.pixels.empty()) return false;
  if (fresh_.width != shown_.width || fresh_.height != shown_.height) {
    // The old frame must stay until the library has the new one.
    std::swap(shown_, fresh_);
    resize();
    return true;
  }
  for (const Rectangle& part : changed_parts(shown_, fresh_)) {
    for (unsigned row = part.top; row < part.bottom; ++row) {
      const std::size_t at = std::size_t{row} * fresh_.width + part.left;
      std::memcpy(&shown_.pixels[at], &fresh_.pixels[at], (part.right - part.left) * sizeof(std::uint32_t));
    }
    rfbMarkRectAsModified(screen_, static_cast<int>(part.left), static_cast<int>(part.top),
                          static_cast<int>(part.right), static_cast<int>(part.bottom));
  }
  return true;
}

void VncServer::Work::resize() {
  for (rfbClientPtr client = screen_->clientHead; client != nullptr; client = client->next) {
    // Its own picture would keep the old size.
    if (client->scaledScreen != screen_) rfbCloseClient(client);
  }
  rfbNewFramebuffer(screen_, reinterpret_cast<char*>(shown_.pixels.data()), static_cast<int>(shown_.width),
                    static_cast<int>(shown_.height), 8, 3, 4);
  rfbPixelFormat& format = screen_->serverFormat;
  format.depth = 24;
  format.redShift = 16;
  format.greenShift = 8;
  format.blueShift = 0;
  for (rfbClientPtr client = screen_->clientHead; client != nullptr; client = client->next) {
    if (client->sock != RFB_INVALID_SOCKET) rfbSetTranslateFunction(client);
  }
}

void VncServer::Work::viewer_gone(rfbClientPtr client) {
  Viewer& viewer = *static_cast<Viewer*>(client->clientData);
  Work& work = viewer.work;
  work.input_.release(viewer.held);
  std::lock_guard lock(work.mutex_);
  work.viewers_.remove_if([&](const Viewer& other) { return &other == &viewer; });
}

void VncServer::Work::key_event(rfbBool down, rfbKeySym keysym, rfbClientPtr client) {
  Viewer& viewer = *static_cast<Viewer*>(client->clientData);
  viewer.work.input_.key(viewer.held, keysym, down != FALSE);
}

void VncServer::Work::pointer_event(int buttons, int x, int y, rfbClientPtr client) {
  Work& work = static_cast<Viewer*>(client->clientData)->work;
  work.input_.pointer(static_cast<unsigned>(std::max(x, 0)), static_cast<unsigned>(std::max(y, 0)),
                      static_cast<unsigned>(buttons), work.shown_.width, work.shown_.height);
}

VncServer::VncServer(std::unique_ptr<Work> work) : work_(std::move(work)) {}
VncServer::~VncServer() = default;

std::uint16_t VncServer::port() const { return work_->port(); }

Result<std::unique_ptr<VncServer>> VncServer::open(const VncOptions& options, Display& display, Inbox& inbox) {
  auto listener = listen_at(options.place);
  if (!listener.ok()) return listener.error();
  Descriptor wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake) {
    return Error{ExitCode::unavailable,
                 fmt::format("The host gives no eventfd ({}); raise its limit of open files.", std::strerror(errno))};
  }
  auto work = std::make_unique<Work>(options, display, inbox, std::move(listener).value(), std::move(wake));
  if (const Outcome started = work->start(); !started.ok()) return started.error();
  return std::unique_ptr<VncServer>(new VncServer(std::move(work)));
}

Result<std::string> read_vnc_password(const std::string& path) {
  const auto bytes = read_host_file(path, password_file_max_bytes, "The file of the VNC password");
  if (!bytes.ok()) return bytes.error();
  const auto end = std::find_if(bytes.value().begin(), bytes.value().end(),
                                [](std::uint8_t byte) { return byte == '\n' || byte == '\r' || byte == 0; });
  std::string password(bytes.value().begin(), end);
  if (password.empty()) {
    return Error{ExitCode::bad_input,
                 fmt::format("The first line of '{}' is empty; write the VNC password there.", path)};
  }
  return password;
}

}  // namespace lockstitch::world
