// See keys.h.
#include "sync/peer/keys.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include "sync/log/file_bytes.h"
#include "sync/peer/certificate.h"
#include "sync/peer/durable_file.h"
#include "sync/peer/member_name.h"

namespace lockstitch::sync {
namespace {

constexpr const char* authority_file = "authority.pem";
constexpr const char* authority_key_file = "authority-key.pem";
constexpr const char* certificate_file = "certificate.pem";
constexpr const char* key_file = "key.pem";
constexpr const char* make_again = "make the keys anew with `lockstitch keys` and give every member its own";
/// Unit: days. Beyond it clocks and calendars are not tested by anybody.
constexpr std::uint64_t longest_days = 36500;
/// Unit: bytes. Far above any real one.
constexpr std::size_t pem_limit_bytes = 64 << 10;

Error cannot_write(const std::string& path) {
  return {ExitCode::world, fmt::format("The keys cannot be written to '{}' ({}); make room, or name another folder.",
                                       path, std::strerror(errno))};
}

Error of_openssl() {
  return {ExitCode::internal, fmt::format("OpenSSL made no key or certificate ({}).", openssl_reason())};
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Outcome make_folder(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return success();
  return cannot_write(path);
}

Result<std::string> read_pem(const std::string& path, const char* what) {
  auto bytes = read_file_whole(path, pem_limit_bytes, what);
  if (!bytes.ok()) return bytes.error();
  return std::string(bytes.value().begin(), bytes.value().end());
}

struct Authority {
  Certificate certificate;
  PrivateKey key;
  std::string pem;
};

Result<Authority> load_authority(const std::string& folder) {
  const std::string path = folder + "/" + authority_file;
  const std::string key_path = folder + "/" + authority_key_file;
  auto pem = read_pem(path, "The certificate of the authority");
  if (!pem.ok()) return pem.error();
  const auto key_pem = read_pem(key_path, "The key of the authority");
  if (!key_pem.ok()) return key_pem.error();
  Authority authority{certificate_of(pem.value()), private_key_of(key_pem.value()), std::move(pem).value()};
  if (!authority.certificate || !authority.key ||
      X509_check_private_key(authority.certificate.get(), authority.key.get()) != 1) {
    openssl_reason();
    return Error{ExitCode::bad_input, fmt::format("'{}' and '{}' are no certificate and its key; name a new folder and "
                                                  "make all keys there.",
                                                  path, key_path)};
  }
  if (X509_cmp_current_time(X509_get0_notAfter(authority.certificate.get())) < 0) {
    return Error{ExitCode::bad_input,
                 fmt::format("The authority '{}' has expired; name a new folder and make all keys there.", path)};
  }
  return authority;
}

Result<Authority> make_authority_in(const std::string& folder, unsigned days) {
  Authority authority;
  authority.key = make_private_key();
  if (authority.key) authority.certificate = make_authority(authority.key.get(), days);
  if (authority.certificate) authority.pem = to_pem(authority.certificate.get());
  const std::string key_pem = authority.key ? to_pem(authority.key.get()) : "";
  if (authority.pem.empty() || key_pem.empty()) return of_openssl();
  const std::string path = folder + "/" + authority_file;
  const std::string key_path = folder + "/" + authority_key_file;
  if (!write_new_file(key_path, key_pem, 0600)) return cannot_write(key_path);
  if (!write_new_file(path, authority.pem, 0644)) {
    const Error error = cannot_write(path);
    ::unlink(key_path.c_str());
    return error;
  }
  return authority;
}

/// In a folder of another name first: a member is there whole or not at all.
Outcome make_member(const std::string& folder, const std::string& name, const Authority& authority, unsigned days) {
  const PrivateKey key = make_private_key();
  const Certificate certificate =
      key ? make_certificate(key.get(), name, authority.certificate.get(), authority.key.get(), days) : nullptr;
  const std::string key_pem = key ? to_pem(key.get()) : "";
  const std::string pem = certificate ? to_pem(certificate.get()) : "";
  if (key_pem.empty() || pem.empty()) return of_openssl();
  const std::string place = folder + "/" + name;
  const std::string draft = place + ".new-" + fresh_suffix();
  if (::mkdir(draft.c_str(), 0700) != 0) return cannot_write(draft);
  if (write_new_file(draft + "/" + key_file, key_pem, 0600) &&
      write_new_file(draft + "/" + certificate_file, pem, 0644) &&
      write_new_file(draft + "/" + authority_file, authority.pem, 0644) && flush_folder(draft) &&
      std::rename(draft.c_str(), place.c_str()) == 0) {
    return flush_folder(folder) ? success() : cannot_write(folder);
  }
  const Error error = cannot_write(place);
  for (const char* file : {key_file, certificate_file, authority_file}) ::unlink((draft + "/" + file).c_str());
  ::rmdir(draft.c_str());
  return error;
}

Outcome check_request(const KeyRequest& request) {
  if (request.days == 0 || request.days > longest_days) {
    return Error{ExitCode::usage,
                 fmt::format("Keys cannot be valid for {} days; choose 1 to {}.", request.days, longest_days)};
  }
  std::set<std::string> seen;
  for (const std::string& member : request.members) {
    if (!is_member_name(member)) {
      return Error{ExitCode::usage, fmt::format("'{}' is no name for a member; use 1 to 63 of a-z, 0-9 and -, not - at "
                                                "first.",
                                                member)};
    }
    if (!seen.insert(member).second) {
      return Error{ExitCode::usage, fmt::format("The member '{}' is named twice; name each once.", member)};
    }
    if (exists(request.folder + "/" + member)) {
      return Error{ExitCode::bad_input, fmt::format("'{}/{}' exists already, and nothing is overwritten; remove it, or "
                                                    "name another member.",
                                                    request.folder, member)};
    }
  }
  return success();
}

}  // namespace

Outcome make_keys(const KeyRequest& request) {
  if (Outcome good = check_request(request); !good.ok()) return good;
  if (Outcome made = make_folder(request.folder, 0755); !made.ok()) return made;
  const auto days = static_cast<unsigned>(request.days);
  const bool has_authority = exists(request.folder + "/" + authority_file);
  auto authority = has_authority ? load_authority(request.folder) : make_authority_in(request.folder, days);
  if (!authority.ok()) return authority.error();
  for (const std::string& member : request.members) {
    Outcome made = make_member(request.folder, member, authority.value(), days);
    if (!made.ok()) return made;
  }
  return success();
}

Result<Keys> load_keys(const std::string& folder) {
  const std::string authority_path = folder + "/" + authority_file;
  const std::string certificate_path = folder + "/" + certificate_file;
  const std::string key_path = folder + "/" + key_file;
  auto authority_pem = read_pem(authority_path, "The certificate of the authority");
  if (!authority_pem.ok()) return authority_pem.error();
  auto certificate_pem = read_pem(certificate_path, "The certificate of this member");
  if (!certificate_pem.ok()) return certificate_pem.error();
  auto key_pem = read_pem(key_path, "The key of this member");
  if (!key_pem.ok()) return key_pem.error();

  const auto bad = [](std::string text) { return Error{ExitCode::bad_input, std::move(text)}; };
  struct stat info {};
  if (::stat(key_path.c_str(), &info) == 0 && (info.st_mode & S_IRWXO) != 0) {
    return bad(
        fmt::format("The key '{0}' can be read by every user of this host; close it with `chmod 600 {0}`, or {1}.",
                    key_path, make_again));
  }
  const Certificate authority = certificate_of(authority_pem.value());
  if (!authority) return bad(fmt::format("'{}' is no certificate in PEM; {}.", authority_path, make_again));
  const Certificate certificate = certificate_of(certificate_pem.value());
  if (!certificate) return bad(fmt::format("'{}' is no certificate in PEM; {}.", certificate_path, make_again));
  const PrivateKey key = private_key_of(key_pem.value());
  if (!key) return bad(fmt::format("'{}' is no private key in PEM without a pass phrase; {}.", key_path, make_again));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    openssl_reason();
    return bad(
        fmt::format("The key '{}' does not belong to the certificate beside it; copy this member's folder "
                    "again, whole.",
                    key_path));
  }
  switch (judge(certificate.get(), authority.get())) {
    case Trust::good:
      break;
    case Trust::expired:
      return bad(fmt::format("The certificate '{}' has expired; {}.", certificate_path, make_again));
    case Trust::authority_expired:
      return bad(fmt::format("The authority '{}' has expired; {}.", authority_path, make_again));
    case Trust::not_yet_valid:
      return bad(fmt::format("The certificate '{}' or its authority is not valid yet; set this host's clock.",
                             certificate_path));
    case Trust::stranger:
      return bad(
          fmt::format("The certificate '{}' was not made by the authority beside it; copy this member's folder "
                      "again, whole, or {}.",
                      certificate_path, make_again));
  }
  return Keys{std::move(authority_pem).value(), std::move(certificate_pem).value(), std::move(key_pem).value(),
              common_name(certificate.get())};
}

kj::Own<kj::TlsContext> make_tls(const Keys& keys) {
  const kj::TlsCertificate authority(kj::StringPtr(keys.authority.c_str(), keys.authority.size()));
  const kj::TlsKeypair keypair{kj::TlsPrivateKey(kj::StringPtr(keys.key.c_str(), keys.key.size())),
                               kj::TlsCertificate(kj::StringPtr(keys.certificate.c_str(), keys.certificate.size()))};
  kj::TlsContext::Options options;
  options.useSystemTrustStore = false;
  options.verifyClients = true;
  options.trustedCertificates = kj::arrayPtr(&authority, 1);
  options.minVersion = kj::TlsVersion::TLS_1_2;
  options.defaultKeypair = keypair;
  return kj::heap<kj::TlsContext>(options);
}

}  // namespace lockstitch::sync
