// `--disk ...,format=`.
#include <doctest/doctest.h>

#include "tests/unit/images/qemu_tools.h"
#include "vmm/app/disk_setting.h"
#include "vmm/app/trace_header.h"

namespace lockstitch::app {

using test::says;
using world::ImageFormat;

TEST_CASE("a disk has the format that is said, or none that is said") {
  const PathBase here;
  CHECK(!parse_disk("a.qcow2", here).value().format);
  CHECK(parse_disk("a.img,format=raw", here).value().format == ImageFormat::raw);
  CHECK(parse_disk("a,format=qcow2,mode=rw", here).value().format == ImageFormat::qcow2);
  for (const std::string_view name : world::format_names()) {
    const auto disk = parse_disk("a,format=" + std::string(name), here);
    REQUIRE(disk.ok());
    CHECK(world::name_of(*disk.value().format) == name);
  }
  CHECK(
      says(parse_disk("a,format=qcow", here).error().text, "there is no image format 'qcow'; it is one of raw, qcow2"));
  CHECK(parse_disk("a,format=qcow", here).error().code == ExitCode::usage);
  CHECK(says(parse_disk("a,format", here).error().text, "a disk's 'format' needs a value"));
}

TEST_CASE("the disks of a trace have the formats of its header, and raw is never guessed") {
  sync::Header header;
  header.board.disks.resize(2);
  PcModel pc;
  pc.buses = {DiskBus::virtio, DiskBus::ide};
  header.board.pc = to_text(pc);
  header.images = {{"disk0", "/a", 512, {}}, {"disk1", "/b", 512, {}, "vhdx"}};
  const Settings settings = settings_of(header);
  REQUIRE(settings.disks.size() == 2);
  CHECK(settings.disks[0].format == ImageFormat::raw);
  CHECK(settings.disks[1].format == ImageFormat::vhdx);
  CHECK(settings.disks[1].bus == DiskBus::ide);
}

}  // namespace lockstitch::app
