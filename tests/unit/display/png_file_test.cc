// A picture in a file, read back by the library.
#include "vmm/world/png_file.h"

#include <doctest/doctest.h>
#include <png.h>

#include <filesystem>

#include "tests/unit/display/painted_screen.h"
#include "tests/unit/world/temporary_folder.h"

namespace lockstitch::world {

namespace {

/// Empty if it is no PNG file.
Picture read_png(const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) return {};
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> bytes(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, bytes.data(), 0, nullptr) == 0) return {};
  Picture picture{image.width, image.height, {}};
  for (std::size_t i = 0; i + 2 < bytes.size(); i += 3) {
    picture.pixels.push_back(std::uint32_t{bytes[i]} << 16 | std::uint32_t{bytes[i + 1]} << 8 | bytes[i + 2]);
  }
  return picture;
}

std::size_t files_in(const std::string& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a picture is written with its size and its colours") {
  const test::TemporaryFolder folder;
  Picture picture = test::picture_of(721, 3, 0);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = std::uint32_t(i) * 7919 & 0xff'ffff;
  REQUIRE(write_png(folder.file("a.png"), picture).ok());
  const Picture back = read_png(folder.file("a.png"));
  CHECK(back.width == 721);
  CHECK(back.height == 3);
  CHECK(back.pixels == picture.pixels);
}

TEST_CASE("a file that is there is replaced, and nothing else is left in its folder") {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("a.png", {1, 2, 3});
  REQUIRE(write_png(path, test::picture_of(2, 2, 0xff0000)).ok());
  CHECK(read_png(path).pixels == test::picture_of(2, 2, 0xff0000).pixels);
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("a picture that cannot be written is told, and the file of before is as it was") {
  const test::TemporaryFolder folder;
  const Outcome missing = write_png(folder.file("none/a.png"), test::picture_of(2, 2, 0));
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().text.find("none/a.png") != std::string::npos);
  std::filesystem::create_directory(folder.file("b.png"));
  CHECK_FALSE(write_png(folder.file("b.png"), test::picture_of(2, 2, 0)).ok());
  const std::string path = folder.file("a.png", {1, 2, 3});
  CHECK_FALSE(write_png(path, Picture{}).ok());
  CHECK(folder.contents("a.png") == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(files_in(folder.path()) == 2);
}

}  // namespace lockstitch::world
