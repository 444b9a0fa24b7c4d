// See nbd_connection.h.
#include "vmm/world/nbd_connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libnbd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "lockstitch/assert.h"

namespace lockstitch::world {

namespace {

/// Unit: bytes. One request; servers take 32 MiB.
constexpr std::size_t request_bytes = 4u << 20;
/// Unit: bytes. What a question for zeros asks about at once; NBD counts in 32 bits.
constexpr std::uint64_t status_bytes = 1u << 30;
/// Unit: requests. More hints than these are dropped.
constexpr unsigned preparing_max = 16;

/// Extents of one answer, from `next` on, as far as they are zeros.
struct Zeros {
  std::uint64_t next = 0;
  bool over = false;
};

int take_extents(void* user, const char*, std::uint64_t offset, std::uint32_t* entries, std::size_t count, int*) {
  auto& zeros = *static_cast<Zeros*>(user);
  for (std::size_t i = 0; i + 1 < count; i += 2) {
    if (zeros.over || offset != zeros.next || !(entries[i + 1] & LIBNBD_STATE_ZERO)) {
      zeros.over = true;
      break;
    }
    offset += entries[i];
    zeros.next = offset;
  }
  return 0;
}

int prepared(void* user, int*) {
  --*static_cast<unsigned*>(user);
  return 1;  // nobody asks for it
}

}  // namespace

void NbdConnection::CloseHandle::operator()(nbd_handle* handle) const { ::nbd_close(handle); }

Result<std::unique_ptr<NbdConnection>> NbdConnection::open(const NbdImage& image) {
  auto server = NbdServer::start(image);
  if (!server.ok()) return server.error();
  std::unique_ptr<NbdConnection> made(new NbdConnection(image, std::move(server).value()));
  made->handle_.reset(::nbd_create());
  nbd_handle* handle = made->handle_.get();
  if (handle == nullptr) {
    return Error{ExitCode::unavailable, fmt::format("libnbd cannot be used ({}).", ::nbd_get_error())};
  }
  Descriptor socket = made->server_.take_socket();
  const int fd = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0);  // libnbd closes it, whatever comes
  if (::nbd_add_meta_context(handle, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0 || fd < 0 ||
      ::nbd_connect_socket(handle, fd) != 0) {
    socket = Descriptor();
    made->handle_.reset();
    return made->server_.why_ended(image);
  }
  const std::int64_t bytes = ::nbd_get_size(handle);
  if (bytes <= 0) {
    return Error{ExitCode::bad_input, fmt::format("The disk image '{}' holds an empty disk.", image.path)};
  }
  made->bytes_ = static_cast<std::uint64_t>(bytes);
  made->can_flush_ = ::nbd_can_flush(handle) == 1;
  made->can_cache_ = ::nbd_can_cache(handle) == 1;
  made->knows_zeros_ = ::nbd_can_meta_context(handle, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
  return made;
}

NbdConnection::~NbdConnection() {
  if (handle_ && !broken()) ::nbd_shutdown(handle_.get(), 0);
  handle_.reset();
  server_.end();
}

bool NbdConnection::broken() const {
  return broken_ || ::nbd_aio_is_dead(handle_.get()) == 1 || ::nbd_aio_is_closed(handle_.get()) == 1;
}

Error NbdConnection::failed(std::string_view doing, std::uint64_t offset) const {
  const int number = ::nbd_get_errno();
  if (broken()) {
    return {ExitCode::world, fmt::format("Disk image '{}' cannot be {}, for qemu-nbd has ended; it is started again.",
                                         image_.path, doing)};
  }
  return {ExitCode::world, fmt::format("Disk image '{}' cannot be {} at byte {} (qemu-nbd: {}).", image_.path, doing,
                                       offset, std::strerror(number != 0 ? number : EIO))};
}

Outcome NbdConnection::finish(std::int64_t cookie, std::string_view doing, std::uint64_t offset) {
  if (cookie < 0) return failed(doing, offset);
  for (;;) {
    const int done = ::nbd_aio_command_completed(handle_.get(), static_cast<std::uint64_t>(cookie));
    if (done == 1) return success();
    if (done < 0) return failed(doing, offset);
    if (::nbd_poll(handle_.get(), -1) < 0 && ::nbd_get_errno() != EINTR) {
      // The request may still be under way with its buffer: nothing but closing is safe now.
      broken_ = true;
      return failed(doing, offset);
    }
  }
}

Outcome NbdConnection::read(std::uint64_t offset, MutableBytes out) {
  while (!out.empty()) {
    const MutableBytes piece = out.first(std::min(out.size(), request_bytes));
    const auto cookie = ::nbd_aio_pread(handle_.get(), piece.data(), piece.size(), offset, NBD_NULL_COMPLETION, 0);
    if (Outcome done = finish(cookie, "read", offset); !done) return done;
    out = out.subspan(piece.size());
    offset += piece.size();
  }
  return success();
}

Outcome NbdConnection::write(std::uint64_t offset, Bytes in) {
  zeros_end_ = zeros_begin_ = 0;
  while (!in.empty()) {
    const Bytes piece = in.first(std::min(in.size(), request_bytes));
    const auto cookie = ::nbd_aio_pwrite(handle_.get(), piece.data(), piece.size(), offset, NBD_NULL_COMPLETION, 0);
    if (Outcome done = finish(cookie, "written", offset); !done) return done;
    in = in.subspan(piece.size());
    offset += piece.size();
  }
  return success();
}

Outcome NbdConnection::flush() {
  if (!can_flush_) return success();
  return finish(::nbd_aio_flush(handle_.get(), NBD_NULL_COMPLETION, 0), "made durable", 0);
}

void NbdConnection::prepare(std::uint64_t offset, std::uint64_t bytes) {
  if (!can_cache_ || broken() || preparing_ >= preparing_max || offset >= bytes_) return;
  bytes = std::min({bytes, bytes_ - offset, std::uint64_t{request_bytes}});
  if (bytes == 0) return;
  ++preparing_;
  const nbd_completion_callback when_done{prepared, &preparing_, nullptr};
  // A hint that cannot even be sent is the last one.
  if (::nbd_aio_cache(handle_.get(), bytes, offset, when_done, 0) < 0) can_cache_ = false;
}

Result<bool> NbdConnection::known_zeros(std::uint64_t offset, std::uint64_t bytes) {
  if (!knows_zeros_) return false;
  if (offset >= zeros_begin_ && offset + bytes <= zeros_end_) return true;
  Zeros zeros{offset, false};
  const nbd_extent_callback callback{take_extents, &zeros, nullptr};
  const std::uint64_t asked = std::min(status_bytes, bytes_ - offset);
  const auto cookie = ::nbd_aio_block_status(handle_.get(), asked, offset, callback, NBD_NULL_COMPLETION, 0);
  if (Outcome done = finish(cookie, "examined", offset); !done) {
    if (broken()) return done.error();
    knows_zeros_ = false;
    return false;
  }
  zeros_begin_ = offset;
  zeros_end_ = zeros.next;
  return offset + bytes <= zeros_end_;
}

}  // namespace lockstitch::world
