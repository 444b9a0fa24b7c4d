// Names of addresses: from a System.map, what a guest printed of /proc/kallsyms, or an ELF file's symbol table.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/result.h"

namespace lockstitch::debug {

class SymbolTable {
 public:
  struct Symbol {
    std::uint64_t address = 0;
    char type = 't';  ///< as nm prints it
    std::string name;
  };

  /// Fails: missing, neither kind of file, no symbol in it.
  static Result<SymbolTable> open(const std::string& path);
  explicit SymbolTable(std::vector<Symbol> symbols);

  /// Added to every address: what KASLR did.
  void set_offset(std::uint64_t offset) { offset_ = offset; }
  std::uint64_t offset() const { return offset_; }

  std::size_t size() const { return symbols_.size(); }
  /// By address, the offset not added.
  const std::vector<Symbol>& symbols() const { return symbols_; }
  /// `name+0x12`, of several names the first; empty: nothing lies before it within 1 MiB.
  std::string name_at(std::uint64_t address) const;
  std::optional<std::uint64_t> address_of(const std::string& name) const;

 private:
  std::vector<Symbol> symbols_;  ///< by address
  std::uint64_t offset_ = 0;
};

/// A small ELF file with nothing but these symbols where they are now, for gdb's `add-symbol-file`. Fails: cannot be
/// written.
Outcome write_symbol_elf(const SymbolTable& symbols, const std::string& path);

}  // namespace lockstitch::debug
