// Every one of our tables is understood by another implementation: iasl disassembles it and compiles the result without
// an error or a warning, into the same bytes. Nothing to do where iasl is not there.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/acpi/placed_tables.h"
#include "vmm/boot/little_endian.h"

using namespace lockstitch;
using namespace lockstitch::acpi_check;
using lockstitch::boot::get;

namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path = fs::path(LOCKSTITCH_BINARY_DIR) / ("unit_acpi_" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

std::string contents(const fs::path& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

const std::string processors = "SSDT_LSPC-1", crash_port = "SSDT_LSPANIC";

bool has_iasl() { return std::system("iasl -v >/dev/null 2>&1") == 0; }

/// Fails the test unless `bytes` go there and back.
void there_and_back(const Folder& folder, const std::string& name, const std::vector<std::uint8_t>& bytes) {
  CAPTURE(name);
  const fs::path base = folder.path / name;
  const auto file = [&](const char* ending) { return base.string() + ending; };
  std::ofstream(file(".aml"), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  const int taken_apart = std::system(("iasl -d " + file(".aml") + " >" + file(".log") + " 2>&1").c_str());
  CHECK_MESSAGE(taken_apart == 0, contents(file(".log")));
  // Warning 3168 is about Processor(), which XP and Server 2003 need; 4089 about methods that only a driver calls.
  const std::string allowed = name == processors ? " -vw 3168" : name == crash_port ? " -vw 4089" : "";
  const int compiled = std::system(
      ("iasl -w3" + allowed + " -p " + file("_again") + " " + file(".dsl") + " >" + file(".log") + " 2>&1").c_str());
  const std::string log = contents(file(".log"));
  CAPTURE(log);
  CHECK(compiled == 0);
  CHECK(log.find("Compilation successful. 0 Errors, 0 Warnings") != log.npos);
  std::string again = contents(file("_again.aml")), original(bytes.begin(), bytes.end());
  REQUIRE(again.size() >= 36);
  if (name != "FACS") {
    // The compiler signs the header.
    for (std::string* const table : {&again, &original}) {
      (*table)[9] = 0;
      table->replace(28, 8, 8, '\0');
    }
  }
  if (name != processors) CHECK((again == original));  // they use longer package lengths than they need
}

}  // namespace

TEST_CASE("every table goes through iasl and back") {
  if (!has_iasl()) {
    MESSAGE("skipped: iasl is not there");
    return;
  }
  const Folder folder;
  for (const bool all : {false, true}) {
    CAPTURE(all);
    const PlacedTables placed = placed_directly(
        {.cpus = all ? 18u : 1u, .memory_mib = 8192, .display = all, .pvpanic = all, .hpet = all, .firmware = false});
    const Tables tables = placed.tables();
    const auto table = [&](Gpa at) { return tables.read(at, get<std::uint32_t>(tables.read(at, 36), 4)); };
    // iasl cannot read an RSDP.
    const std::vector<std::uint8_t> rsdp = tables.read(placed.rsdp, 36);
    there_and_back(folder, "RSDT", table(get<std::uint32_t>(rsdp, 16)));
    there_and_back(folder, "XSDT", table(get<std::uint64_t>(rsdp, 24)));
    unsigned count = 0;
    for (const std::vector<std::uint8_t>& one : loose_tables(placed)) {
      std::string name(one.begin(), one.begin() + 4);
      if (name == "SSDT")
        name += std::string("_") + std::string(reinterpret_cast<const char*>(one.data()) + 16, 8).c_str();
      there_and_back(folder, name, one);
      if (name == "FACP") there_and_back(folder, "FACS", table(get<std::uint32_t>(one, 36)));
      ++count;
    }
    CHECK(count == (all ? 8 : 5));
  }
}
