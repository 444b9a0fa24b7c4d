// The certificates by which the members of a pair know each other: one authority made for the pair, one certificate for
// each member. A stranger has none from this authority and gets nothing.
#pragma once
#include <kj/compat/tls.h>

#include <string>

#include "lockstitch/result.h"
#include "sync/peer/key_request.h"

namespace lockstitch::sync {

/// The name that every certificate of a pair carries (subject alternative name): members are told apart by possession
/// of a key of the same authority, not by host name.
inline constexpr const char* tls_name = "lockstitch";

/// One member's: PEM texts.
struct Keys {
  std::string authority;    ///< certificate of the pair's authority
  std::string certificate;  ///< of this member
  std::string key;          ///< of this member, private
  std::string name;         ///< of this member: the certificate's common name
};

/// Of one member's folder. Fails: missing or unreadable files, not PEM, a key that does not fit its certificate, a
/// certificate that is expired or not of this authority; says which file and what to do.
Result<Keys> load_keys(const std::string& folder);

/// Both sides must show a certificate of the authority that is valid now. TLS 1.2 or later.
kj::Own<kj::TlsContext> make_tls(const Keys& keys);

}  // namespace lockstitch::sync
