// The settings that make a PC with firmware, and the line by which a trace knows it.
#include "vmm/app/pc_setting.h"

#include <doctest/doctest.h>

#include "vmm/app/settings.h"

namespace lockstitch::app {
namespace {

const PathBase here;

std::string trouble(const Outcome& outcome) { return outcome.ok() ? "" : outcome.error().text; }

}  // namespace

TEST_CASE("firmware is bios or uefi, with a file of one's own or Debian's") {
  PcSetting pc;
  REQUIRE(pc.set_firmware("uefi", here).ok());
  CHECK(pc.firmware == FirmwareKind::uefi);
  CHECK(firmware_path(pc, FirmwareKind::uefi) == "/usr/share/OVMF/OVMF_CODE_4M.fd");
  REQUIRE(pc.set_firmware("bios=/own.bin", here).ok());
  CHECK(pc.firmware == FirmwareKind::bios);
  CHECK(firmware_path(pc, FirmwareKind::bios) == "/own.bin");
  CHECK(trouble(pc.set_firmware("bois", here)) == "there is no firmware 'bois'; did you mean 'bios'?");
  CHECK(trouble(pc.set_firmware("bios=", here)) == "the name of the firmware's file is empty");
}

TEST_CASE("a CD-ROM drive has several media, or none, and commas in their names are written twice") {
  PcSetting pc;
  CHECK(!pc.media);
  REQUIRE(pc.set_cdrom("/a.iso,/b=1.iso,/c,,d.iso", here).ok());
  CHECK(*pc.media == std::vector<std::string>{"/a.iso", "/b=1.iso", "/c,d.iso"});
  REQUIRE(pc.set_cdrom("empty", here).ok());
  CHECK(pc.media->empty());
  CHECK(trouble(pc.set_cdrom(",", here)) == "the drive's medium has no name; name an ISO image, or say 'empty'");
}

TEST_CASE("the boot order names each device once") {
  PcSetting pc;
  REQUIRE(pc.set_boot("cdrom,disk").ok());
  CHECK(pc.boot_order == std::vector<BootDevice>{BootDevice::cdrom, BootDevice::disk});
  CHECK(trouble(pc.set_boot("cdrom,cdrom")) == "'cdrom' is named twice");
  CHECK(trouble(pc.set_boot("cdrm")) == "nothing boots from 'cdrm'; did you mean 'cdrom'?");
  CHECK(!trouble(pc.set_boot("")).empty());
}

TEST_CASE(
    "without a kernel the machine is a PC with BIOS, a display, IDE disks and an e1000; with one it is none of it") {
  Settings settings;
  settings.disks.push_back({"disk.img"});
  PcModel model = settings.pc_model();
  CHECK(model.firmware == FirmwareKind::bios);
  CHECK(model.display);
  CHECK(model.card == NetworkCard::e1000);
  CHECK(model.buses == std::vector<DiskBus>{DiskBus::ide});
  settings.kernel = "vmlinuz";
  model = settings.pc_model();
  CHECK(model.firmware == FirmwareKind::none);
  CHECK(!model.display);
  CHECK(model.card == NetworkCard::virtio);
  CHECK(model.buses == std::vector<DiskBus>{DiskBus::virtio});
  settings.disks[0].bus = DiskBus::ide;
  settings.pc.display = true;
  CHECK(settings.pc_model().buses[0] == DiskBus::ide);
  CHECK(settings.pc_model().display);
}

TEST_CASE("a PC's line in a trace gives the same PC back, and a line that is none is refused") {
  PcModel model;
  model.firmware = FirmwareKind::uefi;
  model.cdrom = model.display = model.hyperv = true;
  model.card = NetworkCard::e1000;
  model.buses = {DiskBus::ide, DiskBus::virtio, DiskBus::ide};
  model.boot_order = {BootDevice::network, BootDevice::cdrom};
  const auto back = pc_model_of(to_text(model));
  REQUIRE(back.ok());
  CHECK(back.value() == model);
  CHECK(pc_model_of(to_text(PcModel{})).value() == PcModel{});
  CHECK(pc_model_of("").value() == PcModel{});
  for (const char* bad : {"firmware=openboot", "floppy=yes", "buses=ide,scsi", "cdrom", "display=maybe"})
    CHECK(!pc_model_of(bad).ok());
}

TEST_CASE("what goes together is checked: kernel and firmware, initrd and kernel, variables and UEFI, nothing at all") {
  const auto said = [](auto change) {
    Settings settings;
    settings.memory_bytes = 64u << 20;
    change(settings);
    return trouble(check(settings, Mode::run));
  };
  CHECK(said([](Settings&) {}).starts_with("there is nothing to boot"));
  CHECK(said([](Settings& s) { s.pc.firmware = FirmwareKind::bios; }).empty());
  CHECK(said([](Settings& s) { s.disks.push_back({"disk.img"}); }).empty());
  CHECK(said([](Settings& s) { s.pc.media.emplace(); }).empty());
  CHECK(said([](Settings& s) {
          s.kernel = "k";
          s.pc.firmware = FirmwareKind::bios;
        }).starts_with("a kernel is entered without firmware"));
  CHECK(said([](Settings& s) {
          s.disks.push_back({"disk.img"});
          s.append = "quiet";
        }).starts_with("--initrd, --append and --flat go with --kernel"));
  CHECK(said([](Settings& s) {
          s.disks.push_back({"disk.img"});
          s.pc.uefi_variables = "vars";
        }) == "--uefi-vars goes with --firmware uefi");
}

}  // namespace lockstitch::app
