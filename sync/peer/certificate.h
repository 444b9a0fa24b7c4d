// Certificates of a pair by OpenSSL: made, written as PEM, read and judged. Not here: files and folders (keys.cc).
#pragma once
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "lockstitch/result.h"

namespace lockstitch::sync {

struct FreeOpenssl {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, FreeOpenssl>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeOpenssl>;

/// Why OpenSSL's last call failed, in its words; forgets it.
std::string openssl_reason();

/// ECDSA P-256. Nothing: openssl_reason().
PrivateKey make_private_key();
/// Signed by itself, for `days` from now. Nothing: openssl_reason().
Certificate make_authority(EVP_PKEY* key, unsigned days);
/// Valid for `days`, but never longer than the authority. Nothing: openssl_reason().
Certificate make_certificate(EVP_PKEY* key, const std::string& name, X509* authority, EVP_PKEY* authority_key,
                             unsigned days);

/// Empty: openssl_reason().
std::string to_pem(X509* certificate);
std::string to_pem(EVP_PKEY* key);
/// Nothing: not such a text.
Certificate certificate_of(const std::string& pem);
PrivateKey private_key_of(const std::string& pem);

/// Empty: none.
std::string common_name(X509* certificate);

enum class Trust : std::uint8_t { good, expired, not_yet_valid, authority_expired, stranger };
/// Whether the authority vouches for it now.
Trust judge(X509* certificate, X509* authority);

}  // namespace lockstitch::sync
