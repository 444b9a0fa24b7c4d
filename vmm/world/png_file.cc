// See png_file.h.
#include "vmm/world/png_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <png.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace lockstitch::world {

namespace {

Error failed(const std::string& path, const char* why) {
  return {ExitCode::unavailable, fmt::format("the picture '{}' cannot be written ({}); name another file", path, why)};
}

std::vector<std::uint8_t> colours(const Picture& picture) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(picture.pixels.size() * 3);
  for (const std::uint32_t pixel : picture.pixels) {
    bytes.push_back(static_cast<std::uint8_t>(pixel >> 16));
    bytes.push_back(static_cast<std::uint8_t>(pixel >> 8));
    bytes.push_back(static_cast<std::uint8_t>(pixel));
  }
  return bytes;
}

}  // namespace

Outcome write_png(const std::string& path, const Picture& picture) {
  if (picture.width == 0 || picture.height == 0) return failed(path, "it is empty");
  const std::string temporary = fmt::format("{}.{}.part", path, ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return failed(path, std::strerror(errno));
  std::FILE* const file = ::fdopen(fd, "wb");
  if (file == nullptr) {
    ::close(fd);
    ::unlink(temporary.c_str());
    return failed(path, "no memory");
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = picture.width;
  image.height = picture.height;
  image.format = PNG_FORMAT_RGB;
  image.flags = PNG_IMAGE_FLAG_FAST;
  const std::vector<std::uint8_t> bytes = colours(picture);
  errno = 0;
  const bool encoded = png_image_write_to_stdio(&image, file, 0, bytes.data(), 0, nullptr) != 0;
  const int encode_error = errno;
  errno = 0;
  const bool closed = std::fclose(file) == 0;
  const int close_error = errno;
  if (encoded && closed && ::rename(temporary.c_str(), path.c_str()) == 0) return success();
  const int error = !encoded ? encode_error : !closed ? close_error : errno;
  ::unlink(temporary.c_str());
  return failed(path, error != 0 ? std::strerror(error) : image.message);
}

}  // namespace lockstitch::world
