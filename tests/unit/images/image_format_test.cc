// What format an image is told to have, from its bytes alone.
#include "vmm/world/image_format.h"

#include <doctest/doctest.h>

#include <cstring>

#include "tests/unit/images/qemu_tools.h"
#include "tests/unit/world/temporary_folder.h"
#include "vmm/world/disk_image.h"

namespace lockstitch::world {

namespace {

using test::Contents;
using test::says;
using test::TemporaryFolder;

Contents with(std::size_t size, std::size_t offset, std::string_view text) {
  Contents contents(size);
  std::memcpy(contents.data() + offset, text.data(), text.size());
  return contents;
}

void put_big(Contents& to, std::size_t offset, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to[offset + i] = static_cast<std::uint8_t>(value >> 8 * (bytes - 1 - i));
}

void put_little(Contents& to, std::size_t offset, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) to[offset + i] = static_cast<std::uint8_t>(value >> 8 * i);
}

Contents qcow2(std::uint32_t version = 3) {
  Contents image = with(8192, 0, "QFI\xfb");
  put_big(image, 4, version, 4);
  return image;
}

Contents qcow2_with_backing(const std::string& name) {
  Contents image = qcow2();
  put_big(image, 8, 1024, 8);
  put_big(image, 16, name.size(), 4);
  std::memcpy(image.data() + 1024, name.data(), name.size());
  return image;
}

Contents vhd_footer() {
  Contents footer = with(512, 0, "conectix");
  std::uint32_t sum = 0;
  for (const std::uint8_t byte : footer) sum += byte;
  put_big(footer, 64, ~sum, 4);
  return footer;
}

Contents vmdk(std::uint64_t capacity) {
  Contents image = with(8192, 0, "KDMV");
  put_little(image, 12, capacity, 8);
  return image;
}

Contents vdi(std::uint32_t blocks) {
  Contents image = with(8192, 0, "<<< VirtualBox Disk Image >>>");
  put_little(image, 0x40, 0xbeda107f, 4);
  put_little(image, 0x158, 4096, 4);
  put_little(image, 0x178, 1 << 20, 4);
  put_little(image, 0x184, blocks, 4);
  return image;
}

/// The format's name, or the refusal.
std::string told(const Contents& image, const std::string& name = "disk.img",
                 std::optional<ImageFormat> given = std::nullopt) {
  const TemporaryFolder folder;
  const auto format = format_of_image(folder.file(name, image), given);
  return format.ok() ? std::string(name_of(format.value())) : format.error().text;
}

}  // namespace

TEST_CASE("each format is told by its contents, whatever the file is called") {
  for (const char* name : {"disk.img", "disk.qcow2", "disk", "disk.vhdx", "disk.iso"}) {
    CAPTURE(name);
    CHECK(told(qcow2(2), name) == "qcow2");
    CHECK(told(qcow2(3), name) == "qcow2");
    CHECK(told(with(4096, 0, "vhdxfile"), name) == "vhdx");
    CHECK(told(vmdk(2048), name) == "vmdk");
    CHECK(told(vdi(0), name) == "vdi");
    CHECK(told(with(4096, 0, "eb is a boot sector"), name) == "raw");
    CHECK(told(Contents(512), name) == "raw");
    Contents fixed(4096);
    const Contents footer = vhd_footer();
    fixed.insert(fixed.end(), footer.begin(), footer.end());
    CHECK(told(fixed, name) == "vpc");
    Contents dynamic = footer;
    dynamic.insert(dynamic.end(), fixed.begin(), fixed.end());
    CHECK(told(dynamic, name) == "vpc");
  }
  CHECK(told(with(600, 0, "# Disk DescriptorFile\nversion=1\n"), "disk.vmdk") == "vmdk");
  CHECK(told(with(600, 0, "# made by hand\n# disk DescriptorFile\n"), "disk.vmdk") == "vmdk");
}

TEST_CASE("the end of a raw image is not taken for a VHD unless its checksum is right") {
  Contents image(4096);
  Contents footer = vhd_footer();
  footer[20] ^= 1;
  image.insert(image.end(), footer.begin(), footer.end());
  CHECK(told(image) == "raw");
}

TEST_CASE("an image that is said to be raw is raw, whatever its contents") {
  for (const Contents& image : {qcow2(), qcow2(1), qcow2_with_backing("/etc/shadow"), vdi(9), Contents(512)})
    CHECK(told(image, "disk.img", ImageFormat::raw) == "raw");
}

TEST_CASE("an image that is said to be what it is not is refused") {
  CHECK(says(told(Contents(512), "a", ImageFormat::qcow2), "is raw by its contents and not qcow2; leave out format="));
  CHECK(says(told(qcow2(), "a", ImageFormat::vmdk), "is qcow2 by its contents and not vmdk"));
  CHECK(told(qcow2(), "a", ImageFormat::qcow2) == "qcow2");
}

TEST_CASE("formats that are not read are refused and not taken for raw") {
  CHECK(says(told(qcow2(1)), "is qcow by its contents, which Lockstitch does not read; convert it with `qemu-img"));
  CHECK(says(told(qcow2(4)), "is a newer qcow2"));
  CHECK(says(told(with(4096, 0, std::string_view("QED\0", 4))), "is qed"));
  CHECK(says(told(with(4096, 0, "COWD")), "is vmdk of version 3"));
}

TEST_CASE("an image that leads to other files is believed if its name or the person says so too") {
  const Contents child = qcow2_with_backing("/etc/shadow");
  CHECK(says(told(child, "disk.img"), "looks like qcow2 and leads to its backing file '/etc/shadow'"));
  CHECK(says(told(child, "disk.img"), "if it is yours say format=qcow2, else format=raw"));
  CHECK(told(child, "disk.QCOW2") == "qcow2");
  CHECK(told(child, "disk.img", ImageFormat::qcow2) == "qcow2");
  Contents data_file = qcow2();
  put_big(data_file, 72, 4, 8);
  CHECK(says(told(data_file), "leads to a data file"));
  CHECK(says(told(vmdk(0)), "leads to the files that its descriptor lists"));
  CHECK(says(told(with(600, 0, "# Disk DescriptorFile\nRW 1 FLAT \"/dev/sda\" 0\n")), "say format=vmdk"));
  Contents parent = vmdk(2048);
  put_little(parent, 28, 1, 8);
  put_little(parent, 36, 2, 8);
  constexpr std::string_view text = "# Disk DescriptorFile\nparentCID=12345678\n";
  std::memcpy(parent.data() + 512, text.data(), text.size());
  CHECK(says(told(parent), "leads to a parent image"));
  constexpr std::string_view orphan = "# Disk DescriptorFile\nparentCID=ffffffff\n";
  std::memcpy(parent.data() + 512, orphan.data(), orphan.size());
  CHECK(told(parent) == "vmdk");
}

TEST_CASE("the name of a backing file puts no control characters on the terminal") {
  const std::string refusal = told(qcow2_with_backing("\x1b[2Jx\n"), "disk.img");
  CHECK(says(refusal, "'?[2Jx?'"));
}

TEST_CASE("encrypted, damaged and cut off images are refused") {
  Contents encrypted = qcow2();
  put_big(encrypted, 32, 2, 4);
  CHECK(says(told(encrypted), "is encrypted"));
  Contents damaged = qcow2();
  put_big(damaged, 72, 2, 8);
  CHECK(says(told(damaged), "is marked as damaged"));
  CHECK(says(told(vdi(1)), "is cut off: it should have 1052672 bytes, it has 8192"));
  Contents cut = vhd_footer();
  cut.resize(4096);
  CHECK(says(told(cut), "is cut off: a VHD ends with a footer"));
}

TEST_CASE("any beginning is safe to look at") {
  const std::uint64_t seed = test::run_seed();
  CAPTURE(seed);
  test::Random random(seed);
  const Contents beginnings[] = {qcow2(),
                                 qcow2_with_backing("x"),
                                 vmdk(1),
                                 vmdk(0),
                                 vdi(3),
                                 vhd_footer(),
                                 with(4096, 0, "# disk descriptorfile\nparentcid=")};
  for (int i = 0; i < 300; ++i) {
    Contents image = beginnings[random.below(std::size(beginnings))];
    for (int flips = 0; flips < 12; ++flips)
      image[random.below(std::min<std::size_t>(image.size(), 128))] = static_cast<std::uint8_t>(random.next());
    std::memcpy(image.data(), beginnings[random.below(4)].data(), 4);
    image.resize(1 + random.below(image.size()));
    CHECK(!told(image).empty());
  }
}

}  // namespace lockstitch::world
