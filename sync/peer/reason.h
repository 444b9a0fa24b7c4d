// Why something of kj failed, for people.
#pragma once
#include <kj/exception.h>

#include <string>

namespace lockstitch::sync {

/// kj's description without the name of the call that it begins with and the values that it ends with; of OpenSSL its
/// own words alone.
inline std::string reason(const kj::Exception& exception) {
  static constexpr std::string_view openssl = "OpenSSL error; message = ";
  std::string text = exception.getDescription().cStr();
  const bool tls = text.starts_with(openssl);
  if (tls) text.erase(0, openssl.size());
  text = text.substr(0, text.find(';'));
  if (text.ends_with('.')) text.pop_back();
  const std::size_t colon = text.rfind(tls ? ":" : ": ");
  return colon == std::string::npos ? text : text.substr(colon + (tls ? 1 : 2));
}

/// The connection was made, and TLS has ended it.
inline bool is_of_tls(const kj::Exception& exception) {
  return std::string_view(exception.getDescription().cStr()).starts_with("OpenSSL error");
}

}  // namespace lockstitch::sync
