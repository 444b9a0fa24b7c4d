// A trace names a disk by what the guest sees of it, so that a qcow2 is found, refused when it changed, and packed as a
// raw image.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "sync/trace/image.h"
#include "sync/trace/pack.h"
#include "tests/unit/images/qemu_tools.h"
#include "tests/unit/world/temporary_folder.h"
#include "vmm/app/image_pieces.h"
#include "vmm/world/disk_image.h"

namespace lockstitch::app {

namespace {

using test::Contents;
using test::have_qemu_tools;
using test::says;
using test::TemporaryFolder;

/// With holes, and an end that is no whole piece.
Contents disk_contents() {
  test::Random random(7);
  Contents contents((9 << 20) + 512);
  const Contents part = test::random_contents(random, 3 << 20);
  std::copy(part.begin(), part.end(), contents.begin() + (2 << 20) + 777);
  contents.back() = 9;
  return contents;
}

struct Qcow2Trace {
  TemporaryFolder place;
  Contents contents = disk_contents();
  std::string image = place.file("disk.qcow2");
  sync::TraceFolder folder{place.file("trace")};
  sync::ImageReference reference;

  Qcow2Trace() {
    const std::string raw = place.file("raw", contents);
    REQUIRE(test::run("qemu-img convert -f raw -O qcow2 " + raw + " " + image));
    std::filesystem::remove(raw);
    std::filesystem::create_directories(folder.images());
    std::filesystem::create_directories(folder.log());
    place.file("trace/trace.header", {1, 2, 3});
    folder.read_formats_with(open_image_pieces);
    auto pieces = open_image_pieces(image, "qcow2");
    REQUIRE(pieces.ok());
    const auto scan = sync::scan_image(*pieces.value());
    REQUIRE(scan.ok());
    reference = {"disk0", image, scan.value().identity.bytes, scan.value().identity.hash, "qcow2"};
  }
};

}  // namespace

TEST_CASE("the identity of an image is that of the disk in it") {
  if (!have_qemu_tools()) return;
  const Qcow2Trace trace;
  const sync::ImageIdentity raw = sync::identify_image(Bytes(trace.contents));
  CHECK(trace.reference.bytes == raw.bytes);
  CHECK(trace.reference.hash == raw.hash);
}

TEST_CASE("an image that is another file with the same disk in it is found") {
  if (!have_qemu_tools()) return;
  const Qcow2Trace trace;
  REQUIRE(test::run("qemu-img convert -c -f qcow2 -O qcow2 " + trace.image + " " + trace.place.file("small")));
  std::filesystem::rename(trace.place.file("small"), trace.image);
  const auto found = trace.folder.locate_image(trace.reference, {});
  REQUIRE(found.ok());
  CHECK(found.value().path == trace.image);
  CHECK(found.value().format == "qcow2");
}

TEST_CASE("an image whose disk has changed is refused") {
  if (!have_qemu_tools()) return;
  const Qcow2Trace trace;
  {
    test::TestTrouble trouble;
    auto disk = world::open_disk_image(trace.image, std::nullopt, world::BlockMode::read_write, trouble);
    REQUIRE(disk.ok());
    disk.value()->write(5, Contents(512, 1));
  }
  const auto found = trace.folder.locate_image(trace.reference, {});
  REQUIRE(!found.ok());
  CHECK(found.error().code == ExitCode::bad_input);
  CHECK(says(found.error().text, "has other contents"));
}

TEST_CASE("a raw copy in the trace goes before the image, and is opened as raw") {
  if (!have_qemu_tools()) return;
  const Qcow2Trace trace;
  std::filesystem::remove(trace.image);
  CHECK(!trace.folder.locate_image(trace.reference, {}).ok());
  trace.place.file("trace/images/" + to_text(trace.reference.hash), trace.contents);
  const auto found = trace.folder.locate_image(trace.reference, {});
  REQUIRE(found.ok());
  CHECK(found.value().format.empty());
}

TEST_CASE("a packed trace has the disk as a raw image") {
  if (!have_qemu_tools()) return;
  const Qcow2Trace trace;
  const std::string pack = trace.place.file("pack"), out = trace.place.file("out");
  const auto packed = sync::pack_trace(trace.folder, {trace.reference}, {}, pack, {});
  if (!packed.ok()) FAIL(packed.error().text);
  std::filesystem::remove(trace.image);
  REQUIRE(sync::unpack_trace(pack, out, {}).ok());
  CHECK(trace.place.contents("out/images/" + to_text(trace.reference.hash)) == trace.contents);
  const auto found = sync::TraceFolder(out).locate_image(trace.reference, {});
  REQUIRE(found.ok());
  CHECK(found.value().format.empty());
}

TEST_CASE("the format of an image outlives the header's file, and an unknown one is refused") {
  sync::Header header;
  header.images = {{"disk0", "/a", 512, {1, 2}, "qcow2"}, {"disk1", "/b", 512, {3, 4}}};
  const auto decoded = sync::decode_header(sync::encode_header(header));
  REQUIRE(decoded.ok());
  CHECK(decoded.value().images[0].format == "qcow2");
  CHECK(decoded.value().images[1].format.empty());
  CHECK(says(open_image_pieces("/a", "dmg").error().text, "which this version does not read"));
  CHECK(!sync::TraceFolder("/nowhere").open_image("/a", "qcow2").ok());
}

}  // namespace lockstitch::app
