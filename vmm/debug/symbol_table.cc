// See symbol_table.h.
#include "vmm/debug/symbol_table.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include "lockstitch/types.h"

namespace lockstitch::debug {
namespace {

/// Unit: bytes. Further behind a symbol an address is not called after it.
constexpr std::uint64_t reach_bytes = 1u << 20;

Error bad(const std::string& path, std::string_view why) {
  return {ExitCode::bad_input, fmt::format("'{}' gives no symbols: {}.", path, why)};
}

/// Lines `ffffffff81000000 T name`, perhaps with a module behind the name. Addresses have all their digits: that tells
/// such a file from prose.
std::vector<SymbolTable::Symbol> parse_map(const std::string& text) {
  std::vector<SymbolTable::Symbol> symbols;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address, type, name;
    if (!(words >> address >> type >> name) || type.size() != 1 || (address.size() != 8 && address.size() != 16))
      continue;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(address.data(), address.data() + address.size(), value, 16);
    const bool letter = std::isalpha(static_cast<unsigned char>(type[0])) != 0;
    if (error == std::errc() && end == address.data() + address.size() && value != 0 && letter) {
      symbols.push_back({value, type[0], name});
    }
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

struct Elf64 {
  using Header = Elf64_Ehdr;
  using Section = Elf64_Shdr;
  using Symbol = Elf64_Sym;
};
struct Elf32 {
  using Header = Elf32_Ehdr;
  using Section = Elf32_Shdr;
  using Symbol = Elf32_Sym;
};

/// Functions, objects and labels of every symbol table. Anything that lies outside of the file is passed over.
template <class Elf>
std::vector<SymbolTable::Symbol> parse_elf(const std::string& bytes) {
  std::vector<SymbolTable::Symbol> symbols;
  using Section = typename Elf::Section;
  using Entry = typename Elf::Symbol;
  const auto header = at<typename Elf::Header>(bytes, 0);
  if (!header || header->e_shentsize != sizeof(Section)) return symbols;
  const auto section = [&](std::uint64_t index) {
    return at<Section>(bytes, header->e_shoff + index * sizeof(Section));
  };
  for (std::uint64_t i = 0; i < header->e_shnum; ++i) {
    const auto table = section(i);
    if (!table || (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM)) continue;
    const auto strings = section(table->sh_link);
    if (!strings || strings->sh_offset > bytes.size() || strings->sh_size > bytes.size() - strings->sh_offset) continue;
    const std::string_view names(bytes.data() + strings->sh_offset, strings->sh_size);
    for (std::uint64_t offset = 0; offset + sizeof(Entry) <= table->sh_size; offset += sizeof(Entry)) {
      const auto symbol = at<Entry>(bytes, table->sh_offset + offset);
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

std::vector<SymbolTable::Symbol> parse(const std::string& bytes) {
  if (!bytes.starts_with(ELFMAG)) return parse_map(bytes);
  if (bytes.size() <= EI_DATA || bytes[EI_DATA] != ELFDATA2LSB) return {};
  return bytes[EI_CLASS] == ELFCLASS32 ? parse_elf<Elf32>(bytes) : parse_elf<Elf64>(bytes);
}

bool is_code(char type) { return std::strchr("tTwW", type) != nullptr; }

/// A stretch of symbols that are all code or all data: gdb calls what lies in code by its name, and reads what lies in
/// data.
struct Stretch {
  bool code = false;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Unit: stretches. A kernel has ten.
constexpr std::size_t stretches_max = 1000;

/// `place` becomes, for each symbol, the number of its stretch.
std::vector<Stretch> stretches_of(const std::vector<SymbolTable::Symbol>& symbols, std::vector<std::size_t>& place) {
  std::vector<Stretch> stretches;
  for (const auto& [address, type, name] : symbols) {
    const bool code = is_code(type);
    const bool next = stretches.empty() || (stretches.back().code != code && stretches.back().end <= address &&
                                            stretches.size() < stretches_max);
    if (next) stretches.push_back({code, address, address});
    stretches.back().end = address + 1;  // two symbols at one address stay together
    place.push_back(stretches.size() - 1);
  }
  for (std::size_t i = 0; i + 1 < stretches.size(); ++i) stretches[i].end = stretches[i + 1].begin;
  if (!stretches.empty()) stretches.back().end += page_bytes;
  return stretches;
}

}  // namespace

SymbolTable::SymbolTable(std::vector<Symbol> symbols) : symbols_(std::move(symbols)) {
  std::stable_sort(symbols_.begin(), symbols_.end(),
                   [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
}

Result<SymbolTable> SymbolTable::open(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (file) file.peek();  // of a folder only this fails
  if (file.bad() || !file.is_open()) {
    return Error{ExitCode::missing_input, fmt::format("'{}' cannot be read: {}.", path, std::strerror(errno))};
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) return bad(path, "it is empty");
  std::vector<Symbol> symbols = parse(bytes);
  if (symbols.empty()) return bad(path, "it is neither an ELF file with a symbol table nor a System.map");
  return SymbolTable(std::move(symbols));
}

std::string SymbolTable::name_at(std::uint64_t address) const {
  const std::uint64_t wanted = address - offset_;
  auto behind = std::upper_bound(symbols_.begin(), symbols_.end(), wanted,
                                 [](std::uint64_t value, const Symbol& symbol) { return value < symbol.address; });
  if (behind == symbols_.begin()) return "";
  const std::uint64_t begin = std::prev(behind)->address;
  if (wanted - begin >= reach_bytes) return "";
  const Symbol& symbol = *std::lower_bound(
      symbols_.begin(), behind, begin, [](const Symbol& other, std::uint64_t value) { return other.address < value; });
  return wanted == symbol.address ? symbol.name : fmt::format("{}+{:#x}", symbol.name, wanted - symbol.address);
}

std::optional<std::uint64_t> SymbolTable::address_of(const std::string& name) const {
  for (const Symbol& symbol : symbols_) {
    if (symbol.name == name) return symbol.address + offset_;
  }
  return std::nullopt;
}

// Sections: null, the stretches without their contents, symbols, their names, sections' names.
Outcome write_symbol_elf(const SymbolTable& table, const std::string& path) {
  const auto& symbols = table.symbols();
  std::vector<std::size_t> place;
  const std::vector<Stretch> stretches = stretches_of(symbols, place);
  std::string names(1, '\0');
  std::string entries(sizeof(Elf64_Sym), '\0');
  std::uint64_t next = stretches.empty() ? 0 : stretches.back().end;
  std::vector<std::uint64_t> sizes(symbols.size());
  for (std::size_t i = symbols.size(); i-- > 0;) {
    if (i + 1 < symbols.size() && symbols[i + 1].address != symbols[i].address) next = symbols[i + 1].address;
    sizes[i] = std::min(next - symbols[i].address, reach_bytes);
  }
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    Elf64_Sym entry{};
    entry.st_name = static_cast<Elf64_Word>(names.size());
    entry.st_info = ELF64_ST_INFO(std::isupper(static_cast<unsigned char>(symbols[i].type)) ? STB_GLOBAL : STB_LOCAL,
                                  is_code(symbols[i].type) ? STT_FUNC : STT_OBJECT);
    entry.st_shndx = static_cast<Elf64_Half>(1 + place[i]);
    entry.st_value = symbols[i].address + table.offset();
    entry.st_size = sizes[i];
    entries.append(reinterpret_cast<const char*>(&entry), sizeof entry);
    names += symbols[i].name;
    names += '\0';
  }
  static constexpr char section_names[] = "\0.text\0.data\0.symtab\0.strtab\0.shstrtab";
  std::vector<Elf64_Shdr> sections(1);
  std::uint64_t offset = sizeof(Elf64_Ehdr);
  for (const Stretch& stretch : stretches) {
    const std::uint64_t flags = stretch.code ? SHF_ALLOC | SHF_EXECINSTR : SHF_ALLOC | SHF_WRITE;
    sections.push_back({stretch.code ? 1u : 7u, SHT_NOBITS, flags, stretch.begin + table.offset(), offset,
                        stretch.end - stretch.begin, 0, 0, 1, 0});
  }
  const auto symbols_at = static_cast<Elf64_Word>(sections.size());
  sections.push_back({13, SHT_SYMTAB, 0, 0, offset, entries.size(), symbols_at + 1, 1, 8, sizeof(Elf64_Sym)});
  offset += entries.size();
  sections.push_back({21, SHT_STRTAB, 0, 0, offset, names.size(), 0, 0, 1, 0});
  offset += names.size();
  sections.push_back({29, SHT_STRTAB, 0, 0, offset, sizeof section_names, 0, 0, 1, 0});
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
  header.e_shnum = static_cast<Elf64_Half>(sections.size());
  header.e_shstrndx = static_cast<Elf64_Half>(sections.size() - 1);

  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  const auto put = [&file](const void* bytes, std::size_t size) {
    file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  };
  put(&header, sizeof header);
  put(entries.data(), entries.size());
  put(names.data(), names.size());
  put(section_names, sizeof section_names);
  put(sections.data(), sections.size() * sizeof sections[0]);
  file.close();
  if (!file) return Error{ExitCode::world, fmt::format("'{}' cannot be written: {}.", path, std::strerror(errno))};
  return success();
}

}  // namespace lockstitch::debug
