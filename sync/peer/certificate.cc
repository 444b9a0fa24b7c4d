// See certificate.h. Extensions as in RFC 5280 4.2.
#include "sync/peer/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "sync/peer/keys.h"

namespace lockstitch::sync {
namespace {

/// Unit: seconds. Certificates are valid from this long ago, so that a host whose clock is slow accepts them.
constexpr long backdated_s = 24 * 60 * 60;

struct FreeMore {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
using Bio = std::unique_ptr<BIO, FreeMore>;

bool set_name(X509_NAME* name, const std::string& common_name) {
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  const std::unique_ptr<BIGNUM, FreeMore> number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, FreeMore> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// All but issuer, extensions and signature.
Certificate begin_certificate(EVP_PKEY* key, const std::string& name, unsigned days) {
  Certificate certificate(X509_new());
  std::time_t now = std::time(nullptr);
  if (!certificate || X509_set_version(certificate.get(), X509_VERSION_3) != 1 || !set_serial(certificate.get()) ||
      X509_time_adj_ex(X509_getm_notBefore(certificate.get()), 0, -backdated_s, &now) == nullptr ||
      X509_time_adj_ex(X509_getm_notAfter(certificate.get()), static_cast<int>(days), 0, &now) == nullptr ||
      X509_set_pubkey(certificate.get(), key) != 1 || !set_name(X509_get_subject_name(certificate.get()), name)) {
    return nullptr;
  }
  return certificate;
}

bool finish_certificate(X509* certificate, X509* issuer, EVP_PKEY* issuer_key) {
  return X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
         X509_sign(certificate, issuer_key, EVP_sha256()) != 0;
}

template <class Write>
std::string written(Write write) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) return "";
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Bio reader(const std::string& pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

/// A key that asks for a pass phrase is no key here; without this OpenSSL would ask at the terminal.
int no_pass_phrase(char*, int, int, void*) { return -1; }

}  // namespace

std::string openssl_reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

PrivateKey make_private_key() { return PrivateKey(EVP_EC_gen("P-256")); }

Certificate make_authority(EVP_PKEY* key, unsigned days) {
  Certificate authority = begin_certificate(key, "lockstitch authority", days);
  if (!authority ||
      !add_extension(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !finish_certificate(authority.get(), authority.get(), key)) {
    return nullptr;
  }
  return authority;
}

Certificate make_certificate(EVP_PKEY* key, const std::string& name, X509* authority, EVP_PKEY* authority_key,
                             unsigned days) {
  Certificate certificate = begin_certificate(key, name, days);
  if (!certificate) return nullptr;
  X509* const made = certificate.get();
  const ASN1_TIME* const last = X509_get0_notAfter(authority);
  if (ASN1_TIME_compare(X509_get0_notAfter(made), last) > 0 && X509_set1_notAfter(made, last) != 1) return nullptr;
  const std::string host = std::string("DNS:") + tls_name;
  if (!add_extension(made, authority, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(made, authority, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(made, authority, NID_ext_key_usage, "clientAuth,serverAuth") ||
      !add_extension(made, authority, NID_subject_alt_name, host.c_str()) ||
      !finish_certificate(made, authority, authority_key)) {
    return nullptr;
  }
  return certificate;
}

std::string to_pem(X509* certificate) {
  return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string to_pem(EVP_PKEY* key) {
  return written([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
}

Certificate certificate_of(const std::string& pem) {
  const Bio bio = reader(pem);
  Certificate certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
  ERR_clear_error();
  return certificate;
}

PrivateKey private_key_of(const std::string& pem) {
  const Bio bio = reader(pem);
  PrivateKey key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr) : nullptr);
  ERR_clear_error();
  return key;
}

std::string common_name(X509* certificate) {
  std::array<char, 256> name{};
  const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                                             static_cast<int>(name.size()));
  return size <= 0 ? "" : std::string(name.data(), static_cast<std::size_t>(size));
}

Trust judge(X509* certificate, X509* authority) {
  const std::unique_ptr<X509_STORE, FreeMore> store(X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, FreeMore> context(X509_STORE_CTX_new());
  if (!store || !context || X509_STORE_add_cert(store.get(), authority) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) != 1) {
    ERR_clear_error();
    return Trust::stranger;
  }
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  const bool of_member = X509_STORE_CTX_get_error_depth(context.get()) == 0;
  ERR_clear_error();
  if (good) return X509_check_host(certificate, tls_name, 0, 0, nullptr) == 1 ? Trust::good : Trust::stranger;
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) return of_member ? Trust::expired : Trust::authority_expired;
  if (error == X509_V_ERR_CERT_NOT_YET_VALID) return Trust::not_yet_valid;
  return Trust::stranger;
}

}  // namespace lockstitch::sync
