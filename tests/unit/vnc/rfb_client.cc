// See rfb_client.h.
#include "tests/unit/vnc/rfb_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>

// The library's own DES, with which the password answers the challenge.
extern "C" void rfbEncryptBytes(unsigned char* bytes, char* password);

namespace lockstitch::test {

namespace {

constexpr std::int32_t raw = 0, new_size = -223;
constexpr int patience_s = 20;

void put(std::vector<std::uint8_t>& to, std::uint32_t value, unsigned bytes) {
  while (bytes-- > 0) to.push_back(static_cast<std::uint8_t>(value >> 8 * bytes));
}

}  // namespace

std::optional<RfbClient> RfbClient::connect(std::uint16_t port) {
  world::Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
  const timeval limit{patience_s, 0};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return RfbClient(std::move(fd));
}

std::optional<std::vector<std::uint8_t>> RfbClient::receive(std::size_t bytes) {
  std::vector<std::uint8_t> got(bytes);
  for (std::size_t at = 0; at < bytes;) {
    const ssize_t more = ::recv(fd_.get(), got.data() + at, bytes - at, 0);
    if (more <= 0) return std::nullopt;
    at += static_cast<std::size_t>(more);
  }
  return got;
}

std::optional<std::uint32_t> RfbClient::number(unsigned bytes) {
  const auto got = receive(bytes);
  if (!got) return std::nullopt;
  std::uint32_t value = 0;
  for (const std::uint8_t byte : *got) value = value << 8 | byte;
  return value;
}

bool RfbClient::send(const std::vector<std::uint8_t>& bytes) {
  return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

bool RfbClient::closed() {
  char byte = 0;
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), &byte, 1, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET)) return true;
    if (got < 0) return false;
  }
}

bool RfbClient::shake_hands(const std::string& password) {
  const auto version = receive(12);
  if (!version || !send(*version)) return false;
  const auto count = number(1);
  if (!count || *count == 0) return false;
  const auto types = receive(*count);
  if (!types) return false;
  security_types = *types;
  const std::uint8_t wished = password.empty() ? 1 : 2;
  if (std::find(types->begin(), types->end(), wished) == types->end() || !send({wished})) return false;
  if (wished == 2) {
    auto challenge = receive(16);
    if (!challenge) return false;
    std::string key = password;
    rfbEncryptBytes(challenge->data(), key.data());
    if (!send(*challenge)) return false;
  }
  if (number(4) != std::optional<std::uint32_t>(0)) return false;
  if (!send({1})) return false;
  const auto width = number(2), height = number(2);
  const auto format = receive(16);
  const auto length = number(4);
  if (!length) return false;
  const auto text = receive(*length);
  if (!text) return false;
  name.assign(text->begin(), text->end());
  // 32 bits, little-endian, true colour, 8 bits each at 16, 8 and 0: what Picture has.
  const std::vector<std::uint8_t> wanted{32, 24, 0, (*format)[3], 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0};
  if ((*format)[3] == 0 || *format != wanted) return false;
  picture = {*width, *height, std::vector<std::uint32_t>(std::size_t{*width} * *height)};
  std::vector<std::uint8_t> encodings{2, 0, 0, 2};
  put(encodings, static_cast<std::uint32_t>(raw), 4);
  put(encodings, static_cast<std::uint32_t>(new_size), 4);
  return send(encodings);
}

bool RfbClient::read_rectangle() {
  const auto x = number(2), y = number(2), width = number(2), height = number(2), encoding = number(4);
  if (!encoding) return false;
  if (static_cast<std::int32_t>(*encoding) == new_size) {
    picture = {*width, *height, std::vector<std::uint32_t>(std::size_t{*width} * *height)};
    ++resized;
    return true;
  }
  if (*encoding != raw || *x + *width > picture.width || *y + *height > picture.height) return false;
  rectangles.push_back({*x, *y, *width, *height});
  for (unsigned row = 0; row < *height; ++row) {
    const auto bytes = receive(std::size_t{*width} * 4);
    if (!bytes) return false;
    for (unsigned i = 0; i < *width; ++i) {
      const auto* const pixel = bytes->data() + std::size_t{i} * 4;
      picture.pixels[std::size_t{*y + row} * picture.width + *x + i] =
          std::uint32_t{pixel[2]} << 16 | std::uint32_t{pixel[1]} << 8 | pixel[0];
    }
  }
  return true;
}

bool RfbClient::update(bool incremental) {
  std::vector<std::uint8_t> request{3, static_cast<std::uint8_t>(incremental)};
  put(request, 0, 4);
  put(request, picture.width, 2);
  put(request, picture.height, 2);
  if (!send(request)) return false;
  rectangles.clear();
  if (number(1) != std::optional<std::uint32_t>(0) || !number(1)) return false;
  const auto count = number(2);
  if (!count) return false;
  for (std::uint32_t i = 0; i < *count; ++i) {
    if (!read_rectangle()) return false;
  }
  return true;
}

void RfbClient::key(std::uint32_t keysym, bool down) {
  std::vector<std::uint8_t> event{4, static_cast<std::uint8_t>(down), 0, 0};
  put(event, keysym, 4);
  (void)send(event);
}

void RfbClient::pointer(unsigned x, unsigned y, unsigned buttons) {
  std::vector<std::uint8_t> event{5, static_cast<std::uint8_t>(buttons)};
  put(event, x, 2);
  put(event, y, 2);
  (void)send(event);
}

}  // namespace lockstitch::test
