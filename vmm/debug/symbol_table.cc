// See symbol_table.h.
#include "vmm/debug/symbol_table.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

namespace lockstitch::debug {
namespace {

/// Unit: bytes. Further behind a symbol an address is not called after it.
constexpr std::uint64_t reach_bytes = 1u << 20;

Error bad(const std::string& path, std::string_view why) {
  return {ExitCode::bad_input, fmt::format("'{}' gives no symbols: {}.", path, why)};
}

/// Lines `ffffffff81000000 T name`, perhaps with a module behind the name.
std::vector<SymbolTable::Symbol> parse_map(const std::string& text) {
  std::vector<SymbolTable::Symbol> symbols;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address, type, name;
    if (!(words >> address >> type >> name) || type.size() != 1 || address.size() > 16) continue;
    char* end = nullptr;
    const std::uint64_t value = std::strtoull(address.c_str(), &end, 16);
    if (*end == 0 && value != 0) symbols.push_back({value, type[0], name});
  }
  return symbols;
}

template <class T>
std::optional<T> at(const std::string& bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// Functions and objects of every symbol table. Anything that lies outside of the file is passed over.
std::vector<SymbolTable::Symbol> parse_elf(const std::string& bytes) {
  std::vector<SymbolTable::Symbol> symbols;
  const auto header = at<Elf64_Ehdr>(bytes, 0);
  if (!header || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof(Elf64_Shdr)) return symbols;
  const auto section = [&](std::uint64_t index) {
    return at<Elf64_Shdr>(bytes, header->e_shoff + index * sizeof(Elf64_Shdr));
  };
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto table = section(i);
    if (!table || (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM)) continue;
    const auto strings = section(table->sh_link);
    if (!strings || strings->sh_offset > bytes.size() || strings->sh_size > bytes.size() - strings->sh_offset) continue;
    const std::string_view names(bytes.data() + strings->sh_offset, strings->sh_size);
    for (std::uint64_t offset = 0; offset + sizeof(Elf64_Sym) <= table->sh_size; offset += sizeof(Elf64_Sym)) {
      const auto symbol = at<Elf64_Sym>(bytes, table->sh_offset + offset);
      if (!symbol) break;
      const unsigned type = ELF64_ST_TYPE(symbol->st_info);
      if (symbol->st_value == 0 || symbol->st_name >= names.size() || type > STT_FUNC) continue;
      const std::string_view rest = names.substr(symbol->st_name);
      const std::string_view name = rest.substr(0, rest.find('\0'));
      if (!name.empty()) symbols.push_back({symbol->st_value, type == STT_OBJECT ? 'd' : 't', std::string(name)});
    }
  }
  return symbols;
}

}  // namespace

SymbolTable::SymbolTable(std::vector<Symbol> symbols) : symbols_(std::move(symbols)) {
  std::stable_sort(symbols_.begin(), symbols_.end(),
                   [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
}

Result<SymbolTable> SymbolTable::open(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ExitCode::missing_input, fmt::format("'{}' cannot be read: {}.", path, std::strerror(errno))};
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) return bad(path, "it is empty");
  std::vector<Symbol> symbols = bytes.starts_with(ELFMAG) ? parse_elf(bytes) : parse_map(bytes);
  if (symbols.empty()) return bad(path, "it is neither an ELF file with a symbol table nor a System.map");
  return SymbolTable(std::move(symbols));
}

std::string SymbolTable::name_at(std::uint64_t address) const {
  const std::uint64_t wanted = address - offset_;
  auto behind = std::upper_bound(symbols_.begin(), symbols_.end(), wanted,
                                 [](std::uint64_t value, const Symbol& symbol) { return value < symbol.address; });
  if (behind == symbols_.begin()) return "";
  const Symbol& symbol = *std::prev(behind);
  if (wanted - symbol.address >= reach_bytes) return "";
  return wanted == symbol.address ? symbol.name : fmt::format("{}+{:#x}", symbol.name, wanted - symbol.address);
}

std::optional<std::uint64_t> SymbolTable::address_of(const std::string& name) const {
  for (const Symbol& symbol : symbols_) {
    if (symbol.name == name) return symbol.address + offset_;
  }
  return std::nullopt;
}

// Sections: null, a stretch of addresses without contents that gdb takes for code, symbols, their names, sections'
// names.
Outcome write_symbol_elf(const SymbolTable& table, const std::string& path) {
  std::string names(1, '\0');
  std::string entries(sizeof(Elf64_Sym), '\0');
  const auto& symbols = table.symbols();
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const bool code = std::strchr("tTwW", symbols[i].type) != nullptr;
    Elf64_Sym entry{};
    entry.st_name = static_cast<Elf64_Word>(names.size());
    entry.st_info = ELF64_ST_INFO(STB_GLOBAL, code ? STT_FUNC : STT_OBJECT);
    entry.st_shndx = 1;
    entry.st_value = symbols[i].address;
    if (i + 1 < symbols.size())
      entry.st_size = std::min<std::uint64_t>(symbols[i + 1].address - entry.st_value, reach_bytes);
    entries.append(reinterpret_cast<const char*>(&entry), sizeof entry);
    names += symbols[i].name;
    names += '\0';
  }
  static constexpr char section_names[] = "\0.text\0.symtab\0.strtab\0.shstrtab";
  Elf64_Shdr sections[5]{};
  const std::uint64_t first = symbols.empty() ? 0 : symbols.front().address;
  const std::uint64_t last = symbols.empty() ? 0 : symbols.back().address;
  sections[1] = {1, SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, first, sizeof(Elf64_Ehdr), last - first + 16, 0, 0, 16, 0};
  std::uint64_t offset = sizeof(Elf64_Ehdr);
  sections[2] = {7, SHT_SYMTAB, 0, 0, offset, entries.size(), 3, 1, 8, sizeof(Elf64_Sym)};
  offset += entries.size();
  sections[3] = {15, SHT_STRTAB, 0, 0, offset, names.size(), 0, 0, 1, 0};
  offset += names.size();
  sections[4] = {23, SHT_STRTAB, 0, 0, offset, sizeof section_names, 0, 0, 1, 0};
  offset += sizeof section_names;

  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = header.e_version = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_ehsize = sizeof header;
  header.e_shoff = offset;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 5;
  header.e_shstrndx = 4;

  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  const auto put = [&file](const void* bytes, std::size_t size) {
    file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  };
  put(&header, sizeof header);
  put(entries.data(), entries.size());
  put(names.data(), names.size());
  put(section_names, sizeof section_names);
  put(sections, sizeof sections);
  file.close();
  if (!file) return Error{ExitCode::world, fmt::format("'{}' cannot be written: {}.", path, std::strerror(errno))};
  return success();
}

}  // namespace lockstitch::debug
