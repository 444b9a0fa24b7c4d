// See doorway.h.
#include "sync/peer/doorway.h"

#include "sync/peer/keys.h"
#include "sync/peer/reason.h"

namespace lockstitch::sync {
namespace {

/// Unit: ns. Strangers that knock again and again are told of once in this time.
constexpr HostTime strangers_again = 1000 * ms;

std::string text_of(const kj::Exception& exception) {
  if (!is_of_tls(exception)) return reason(exception);
  return "TLS failed (" + reason(exception) + "); the keys of both must be of one authority and valid now";
}

}  // namespace

Doorway::Doorway(kj::AsyncIoContext& io, kj::Own<kj::TlsContext> tls, DoorwayOwner& owner)
    : io_(io), tls_(kj::mv(tls)), owner_(owner), tasks_(*this) {}

Doorway::~Doorway() noexcept(false) = default;

Outcome Doorway::listen(const std::string& address, HostTime now) {
  now_ = now;
  try {
    port_ = io_.provider->getNetwork().parseAddress(address).wait(io_.waitScope)->listen();
  } catch (const kj::Exception& exception) {
    return Error{ExitCode::unavailable, "the address '" + address +
                                            "' cannot be listened on: is it this host's, and free? (" +
                                            text_of(exception) + ")"};
  }
  tasks_.add(accept());
  return success();
}

kj::Promise<kj::Own<kj::AsyncIoStream>> Doorway::in_time(kj::Promise<kj::Own<kj::AsyncIoStream>> stream) {
  return io_.provider->getTimer().timeoutAfter(dial_limit_ms * kj::MILLISECONDS, kj::mv(stream));
}

kj::Promise<void> Doorway::accept() {
  return port_->accept().then([this](kj::Own<kj::AsyncIoStream> stream) {
    tasks_.add(in_time(tls_->wrapServer(kj::mv(stream)))
                   .then(
                       [this](kj::Own<kj::AsyncIoStream> secure) {
                         if (guests_.size() < max_guests) {
                           guests_.push_back(Link::accepted(kj::mv(secure), *this, now_));
                         }
                       },
                       [this](kj::Exception&& exception) {
                         if (now_ < strangers_silent_until_) return;
                         strangers_silent_until_ = now_ + strangers_again;
                         owner_.stranger(text_of(exception));
                       }));
    return accept();
  });
}

void Doorway::dial(const std::string& address, HostTime now) {
  now_ = now;
  if (dialing_ || now < dial_not_before_) return;
  dialing_ = true;
  auto stream = io_.provider->getNetwork()
                    .parseAddress(address)
                    .then([](kj::Own<kj::NetworkAddress> found) {
                      auto connected = found->connect();
                      return connected.attach(kj::mv(found));
                    })
                    .then([this](kj::Own<kj::AsyncIoStream> open) { return tls_->wrapClient(kj::mv(open), tls_name); });
  tasks_.add(in_time(kj::mv(stream))
                 .then(
                     [this](kj::Own<kj::AsyncIoStream> secure) {
                       guests_.push_back(
                           Link::dialed(kj::mv(secure), *this, now_,
                                        [this](schema::Greeting::Builder to) { owner_.write_greeting(to); }));
                     },
                     [this](kj::Exception&& exception) {
                       dialing_ = false;
                       owner_.away(text_of(exception));
                     }));
}

void Doorway::time_passes(HostTime now) {
  now_ = now;
  retired_.clear();
  while (!guests_.empty() && now - guests_.front()->since() > guest_limit_ms * ms) {
    ended(*guests_.front(), "no answer to the greeting");
  }
}

kj::Own<Link> Doorway::leave(Link& link) {
  for (auto at = guests_.begin(); at != guests_.end(); ++at) {
    if (at->get() != &link) continue;
    auto own = kj::mv(*at);
    guests_.erase(at);
    if (own->was_dialed()) dialing_ = false;
    return own;
  }
  return {};
}

void Doorway::begun(Link& link) {
  auto own = leave(link);
  if (own.get() == nullptr) return;
  own->listen_with(owner_.listener());
  owner_.met(kj::mv(own));
}

void Doorway::ended(Link& link, const std::string& why) {
  link.mute();
  auto own = leave(link);
  if (own.get() == nullptr) return;
  if (own->was_dialed()) {
    dial_not_before_ = now_ + dial_again_ms * ms;
    owner_.away("refused: " + why);
  }
  retired_.push_back(kj::mv(own));
}

void Doorway::taskFailed(kj::Exception&& exception) { owner_.away(text_of(exception)); }

}  // namespace lockstitch::sync
