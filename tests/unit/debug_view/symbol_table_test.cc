// Files of symbols, good and bad, and the ELF file that is written for gdb.
#include "vmm/debug/symbol_table.h"

#include <doctest/doctest.h>
#include <elf.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace lockstitch::test {
namespace {

using debug::SymbolTable;

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("lockstitch-symbols-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ / name; }
  std::string with(const std::string& contents) const {
    std::ofstream(file("symbols"), std::ios::binary) << contents;
    return file("symbols");
  }

 private:
  std::filesystem::path path_;
};

std::string contents_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr const char* map =
    "0000000000000000 A fixed_percpu_data\n"
    "ffffffff81000000 T startup_64\n"
    "ffffffff81000000 T _text\n"
    "ffffffff81000070 t secondary_startup_64\n"
    "ffffffff82000000 D jiffies\n"
    "ffffffffc0001000 t helper\t[module]\n";

/// An ELF file with the symbols `first` and `second`, 32 or 64 bits wide.
template <class Header, class Section, class Symbol>
std::string small_elf(unsigned char wide) {
  const char names[] = "\0first\0second\0file.c";
  Symbol symbols[4]{};
  const std::pair<unsigned, unsigned> kinds[] = {{0, 0}, {1, STT_FUNC}, {7, STT_OBJECT}, {14, STT_FILE}};
  for (unsigned i = 1; i < 4; ++i) {
    symbols[i].st_name = kinds[i].first;
    symbols[i].st_info = static_cast<unsigned char>(kinds[i].second);
    symbols[i].st_value = 0x1000 * i;
  }
  Header header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = wide;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_shoff = sizeof header;
  header.e_shentsize = sizeof(Section);
  header.e_shnum = 3;
  Section sections[3]{};
  sections[1].sh_type = SHT_SYMTAB;
  sections[1].sh_offset = sizeof header + sizeof sections;
  sections[1].sh_size = sizeof symbols;
  sections[1].sh_link = 2;
  sections[2].sh_type = SHT_STRTAB;
  sections[2].sh_offset = sizeof header + sizeof sections + sizeof symbols;
  sections[2].sh_size = sizeof names;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.append(reinterpret_cast<const char*>(sections), sizeof sections);
  bytes.append(reinterpret_cast<const char*>(symbols), sizeof symbols);
  bytes.append(names, sizeof names);
  return bytes;
}

std::string refusal(const std::string& path) {
  const auto table = SymbolTable::open(path);
  REQUIRE_FALSE(table.ok());
  CHECK((table.error().code == ExitCode::bad_input || table.error().code == ExitCode::missing_input));
  return table.error().text;
}

}  // namespace

TEST_CASE("a System.map gives names to addresses and addresses to names") {
  const Folder folder;
  auto opened = SymbolTable::open(folder.with(map));
  REQUIRE(opened.ok());
  SymbolTable& table = opened.value();
  CHECK(table.size() == 5);
  CHECK(table.name_at(0xffff'ffff'8100'0000) == "startup_64");
  CHECK(table.name_at(0xffff'ffff'8100'006f) == "startup_64+0x6f");
  CHECK(table.name_at(0xffff'ffff'8100'0072) == "secondary_startup_64+0x2");
  CHECK(table.name_at(0xffff'ffff'c000'1004) == "helper+0x4");
  CHECK(table.name_at(0xffff'ffff'80ff'ffff).empty());
  CHECK(table.name_at(0xffff'ffff'8300'0000).empty());  // too far behind jiffies
  CHECK(table.address_of("jiffies") == 0xffff'ffff'8200'0000);
  CHECK_FALSE(table.address_of("jiffie"));
}

TEST_CASE("an offset moves every symbol") {
  const Folder folder;
  auto opened = SymbolTable::open(folder.with(map));
  REQUIRE(opened.ok());
  opened.value().set_offset(0x2260'0000);
  CHECK(opened.value().address_of("_text") == 0xffff'ffff'a360'0000);
  CHECK(opened.value().name_at(0xffff'ffff'a360'0071) == "secondary_startup_64+0x1");
  CHECK(opened.value().name_at(0xffff'ffff'8100'0000).empty());
  opened.value().set_offset(0 - std::uint64_t{0x100'0000});
  CHECK(opened.value().address_of("_text") == 0xffff'ffff'8000'0000);
}

TEST_CASE("ELF files of both sizes give their functions and objects, not their files") {
  const Folder folder;
  for (const std::string& bytes : {small_elf<Elf64_Ehdr, Elf64_Shdr, Elf64_Sym>(ELFCLASS64),
                                   small_elf<Elf32_Ehdr, Elf32_Shdr, Elf32_Sym>(ELFCLASS32)}) {
    const auto opened = SymbolTable::open(folder.with(bytes));
    REQUIRE(opened.ok());
    CHECK(opened.value().size() == 2);
    CHECK(opened.value().address_of("first") == 0x1000);
    CHECK(opened.value().name_at(0x2001) == "second+0x1");
  }
}

TEST_CASE("what gives no symbols is refused with a sentence") {
  const Folder folder;
  CHECK(refusal(folder.file("nowhere")) ==
        "'" + folder.file("nowhere") + "' cannot be read: No such file or directory.");
  CHECK(refusal(folder.file("")).find("Is a directory") != std::string::npos);
  CHECK(refusal(folder.with("")).find("it is empty") != std::string::npos);
  const std::string neither = "it is neither an ELF file with a symbol table nor a System.map";
  CHECK(refusal(folder.with("be a cat\nfeed a dog\n")).find(neither) != std::string::npos);
  CHECK(refusal(folder.with("0000000000000000 T hidden\n")).find(neither) != std::string::npos);
  CHECK(refusal(folder.with("\177ELF")).find(neither) != std::string::npos);
  CHECK(refusal(folder.with(std::string(100'000, '\0'))).find(neither) != std::string::npos);
}

TEST_CASE("a broken ELF file is read as far as it goes") {
  const Folder folder;
  const std::string whole = small_elf<Elf64_Ehdr, Elf64_Shdr, Elf64_Sym>(ELFCLASS64);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto opened = SymbolTable::open(folder.with(whole.substr(0, length)));
    if (opened.ok()) CHECK(opened.value().size() <= 2);
  }
  const char* const text = std::getenv("LOCKSTITCH_SEED");
  const std::uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 0) : 1;
  INFO("LOCKSTITCH_SEED=", seed);
  std::mt19937_64 random(seed);
  for (unsigned round = 0; round < 2000; ++round) {
    std::string broken = whole;
    for (unsigned i = 0; i < 1 + round % 8; ++i)
      broken[4 + random() % (broken.size() - 4)] = static_cast<char>(random() % 3 ? 0xff : random());
    const auto opened = SymbolTable::open(folder.with(broken));
    if (opened.ok()) {
      CHECK(opened.value().size() < 100);
      opened.value().name_at(random());
    }
  }
}

TEST_CASE("the written ELF file gives back what was put in, where it is now") {
  const Folder folder;
  SymbolTable table({{0xffff'ffff'8100'0000, 'T', "_text"},
                     {0xffff'ffff'8100'0000, 'D', "alias"},
                     {0xffff'ffff'8100'0100, 't', "inner"},
                     {0xffff'ffff'8200'0000, 'D', "jiffies"},
                     {0xffff'ffff'8300'0000, 't', "init"}});
  table.set_offset(0x100'0000);
  REQUIRE(write_symbol_elf(table, folder.file("out")).ok());
  const auto opened = SymbolTable::open(folder.file("out"));
  REQUIRE(opened.ok());
  CHECK(opened.value().size() == 5);
  for (const SymbolTable::Symbol& symbol : table.symbols()) {
    INFO(symbol.name);
    CHECK(opened.value().address_of(symbol.name) == symbol.address + 0x100'0000);
  }

  const std::string bytes = contents_of(folder.file("out"));
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  REQUIRE(header.e_shoff + header.e_shnum * sizeof(Elf64_Shdr) == bytes.size());
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  std::memcpy(sections.data(), bytes.data() + header.e_shoff, header.e_shnum * sizeof(Elf64_Shdr));
  REQUIRE(sections.size() == 7);  // null, code, data, code, symbols, two tables of names
  CHECK(sections[1].sh_flags == (SHF_ALLOC | SHF_EXECINSTR));
  CHECK(sections[1].sh_addr == 0xffff'ffff'8200'0000);
  CHECK(sections[2].sh_flags == (SHF_ALLOC | SHF_WRITE));
  CHECK(sections[2].sh_addr == 0xffff'ffff'8300'0000);
  CHECK(sections[1].sh_addr + sections[1].sh_size == sections[2].sh_addr);
  Elf64_Sym inner;
  std::memcpy(&inner, bytes.data() + sections[4].sh_offset + 3 * sizeof inner, sizeof inner);
  CHECK(inner.st_shndx == 1);
  CHECK(inner.st_value == 0xffff'ffff'8200'0100);
}

TEST_CASE("a symbol file that cannot be written is said") {
  const Folder folder;
  const Outcome written = write_symbol_elf(SymbolTable({{1, 't', "a"}}), folder.file("no/such/folder"));
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().code == ExitCode::world);
  CHECK(written.error().text.ends_with("cannot be written: No such file or directory."));
}

}  // namespace lockstitch::test
