// What firmware boots, each by the script that does it as a person would (boots.py), the four ways of running a guest
// that firmware booted, and what is said to who asks for the impossible.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/e2e/cli/program.h"

namespace lockstitch::test {
namespace {

std::string media(const std::string& name) { return std::string(LOCKSTITCH_SOURCE_DIR) + "/build/pc/" + name; }

bool have(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    if (std::filesystem::exists(file)) continue;
    MESSAGE("skipped: there is no ", file);
    std::printf("skipped: no %s; scripts/build-pc-media and Debian's packages make it\n", file.c_str());
    return false;
  }
  return true;
}

void boot(const std::string& names) {
  const std::string command =
      "python3 " BOOT_SCRIPTS "/boots.py --build " LOCKSTITCH_BINARY_DIR " " + names + " 2>&1 < /dev/null";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string said;
  std::array<char, 4096> piece;
  while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) {
    said += piece.data();
    std::fputs(piece.data(), stdout);
  }
  const int status = ::pclose(pipe);
  CHECK_MESSAGE(status == 0, said);
}

const std::string seabios = "/usr/share/seabios/bios-256k.bin", ovmf = "/usr/share/OVMF/OVMF_CODE_4M.fd";

}  // namespace

TEST_CASE("SeaBIOS comes to its menu, and GRUB on a CD is driven by keys and boots Linux") {
  if (have({seabios, media("grub.iso")})) boot("seabios_menu grub_cd cd_linux");
}

TEST_CASE("Debian boots by BIOS from a disk on IDE and on virtio") {
  if (have({seabios, media("pc.img")})) boot("disk_bios_ide disk_bios_virtio");
}

TEST_CASE("Debian boots by UEFI from a disk on IDE and on virtio, and OVMF comes to its shell") {
  if (have({ovmf, media("pc.img")})) boot("disk_uefi_ide disk_uefi_virtio uefi_shell");
}

TEST_CASE("Debian boots from a qcow2, a VHDX and a VMDK") {
  if (have({seabios, media("pc.img"), "/usr/bin/qemu-nbd"})) boot("disk_qcow2 disk_vhdx disk_vmdk");
}

TEST_CASE("Linux uses the Hyper-V interface and the HPET where they are asked for") {
  if (have({seabios, media("pc.img")})) boot("hyperv_linux hpet_linux");
}

TEST_CASE("iPXE starts from the network card's ROM, and memtest86+ runs") {
  if (have({seabios, "/usr/lib/ipxe/qemu/pxe-e1000.rom", media("grub.iso")})) boot("ipxe memtest");
}

TEST_CASE("what debootstrap and Debian's installer make boots, in text and in graphics, with 64 and 32 bits") {
  if (have({seabios, ovmf, media("debian.img"), media("installer.iso")}))
    boot("debian_bios tablet_linux debian_uefi installer_text installer_graphics kernel_32");
}

TEST_CASE("a guest that firmware boots is recorded, replayed, and replayed from the middle, with equal digests") {
  if (!have({seabios, media("pc.img")})) return;
  const TemporaryFolder folder;
  const std::vector<std::string> machine{"--tablet",
                                         "--disk",
                                         media("pc.img"),
                                         "--memory",
                                         "256M",
                                         "--clock",
                                         "virtual",
                                         "--seed",
                                         "3",
                                         "--net",
                                         "user",
                                         "--quiet",
                                         "--stop-at-tick",
                                         "6000000000",
                                         "--serial",
                                         "file:" + folder.file("serial")};
  auto with = [&](std::vector<std::string> first, const std::vector<std::string>& last) {
    first.insert(first.end(), machine.begin(), machine.end());
    first.insert(first.end(), last.begin(), last.end());
    return first;
  };
  const auto digest_in = [&](const std::string& name) {
    return nlohmann::json::parse(std::ifstream(folder.file(name)))["final_digest"].get<std::string>();
  };
  REQUIRE(run(with({"run"}, {"--summary", folder.file("live")})).exit_code == 0);
  REQUIRE(run(with({"record", "-o", folder.file("trace")},
                   {"--checkpoint-every", "2s", "--summary", folder.file("recorded")}))
              .exit_code == 0);
  CHECK(digest_in("live") == digest_in("recorded"));
  const auto whole = run({"replay", folder.file("trace"), "--check"});
  CHECK_MESSAGE(whole.exit_code == 0, whole.err);
  CHECK(whole.err.find(digest_in("live")) != std::string::npos);
  const auto middle = run({"replay", folder.file("trace"), "--check", "--from", "4000000000"});
  CHECK_MESSAGE(middle.exit_code == 0, middle.err);
  CHECK(middle.err.find(digest_in("live")) != std::string::npos);
}

TEST_CASE("bad media, firmware and variables are refused in one sentence each") {
  if (!have({seabios, ovmf, media("grub.iso")})) return;
  const TemporaryFolder folder;
  const auto refused = [&](const std::vector<std::string>& arguments, int code, const std::string& part) {
    std::vector<std::string> all{"run", "--serial", "none"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto ended = run(all);
    CAPTURE(ended.err);
    CHECK(ended.exit_code == code);
    CHECK(ended.err.find(part) != std::string::npos);
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  };
  std::filesystem::copy_file(media("grub.iso"), folder.file("cut.iso"));
  std::filesystem::resize_file(folder.file("cut.iso"), 8u << 20);
  refused({"--cdrom", folder.file("cut.iso")}, 65, "is truncated: it should have");
  std::ofstream(folder.file("text.iso")) << std::string(65536, 'x');
  refused({"--cdrom", folder.file("text.iso")}, 65, "is no ISO image");
  refused({"--cdrom", folder.file("none.iso")}, 66, "none.iso");
  refused({"--firmware", "uefi", "--uefi-vars", folder.file("text.iso")}, 65, "holds no UEFI variables");
  refused({"--firmware", "bios=" + folder.file("none.bin")}, 66, "none.bin");
  std::ofstream(folder.file("odd.bin")) << "odd";
  refused({"--firmware", "bios=" + folder.file("odd.bin")}, 65, "no whole number of 4 KiB pages");
  refused({"--firmware", "bois"}, 64, "did you mean 'bios'?");
  refused({}, 64, "nothing to boot");
  std::ofstream(folder.file("disk.qcow2"), std::ios::binary)
      << std::string_view("QFI\xfb\0\0\0\3", 8) << std::string(4096, '\0');
  std::ofstream(folder.file("empty.img")) << std::string(1 << 20, '\0');
  refused({"--disk", folder.file("empty.img")}, 65, "has no boot sector");
  const std::string programs = std::getenv("PATH");
  ::setenv("PATH", folder.file("").c_str(), 1);
  refused({"--disk", folder.file("disk.qcow2")}, 69, "qemu-utils");
  ::setenv("PATH", programs.c_str(), 1);
  refused({"--cdrom", "empty", "--kernel", "k", "--firmware", "bios"}, 64, "without firmware");
}

}  // namespace lockstitch::test
