// See table_loader.h.
#include "vmm/boot/table_loader.h"

#include <algorithm>
#include <string_view>

#include "lockstitch/assert.h"
#include "vmm/boot/little_endian.h"

namespace lockstitch::boot {

namespace {

constexpr std::string_view tables_file = "etc/acpi/tables", rsdp_file = "etc/acpi/rsdp";
constexpr std::size_t command_bytes = 128, name_bytes = 56;
enum class Command : std::uint32_t { allocate = 1, add_pointer = 2, add_checksum = 3 };
enum class Zone : std::uint8_t { high = 1, low = 2 };  // anywhere below 4 GiB; below 1 MiB, where an RSDP is looked for
constexpr std::size_t rsdp_rsdt = 16, rsdp_xsdt = 24, rsdp_sum = 8, rsdp_extended_sum = 32, rsdp_old_bytes = 20;

class Commands {
 public:
  void allocate(std::string_view file, std::uint32_t alignment, Zone zone) {
    std::uint8_t* const command = next(Command::allocate);
    name(command + 4, file);
    put(command + 4 + name_bytes, alignment, 4);
    command[8 + name_bytes] = static_cast<std::uint8_t>(zone);
  }
  /// The field at `offset` of `file` holds an offset into `target`; its address is added.
  void add_pointer(std::string_view file, std::string_view target, std::size_t offset, unsigned bytes) {
    std::uint8_t* const command = next(Command::add_pointer);
    name(command + 4, file);
    name(command + 4 + name_bytes, target);
    put(command + 4 + 2 * name_bytes, offset, 4);
    command[8 + 2 * name_bytes] = static_cast<std::uint8_t>(bytes);
  }
  void add_checksum(std::string_view file, std::size_t at, std::size_t start, std::size_t length) {
    std::uint8_t* const command = next(Command::add_checksum);
    name(command + 4, file);
    put(command + 4 + name_bytes, at, 4);
    put(command + 8 + name_bytes, start, 4);
    put(command + 12 + name_bytes, length, 4);
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::uint8_t* next(Command command) {
    bytes_.resize(bytes_.size() + command_bytes);
    std::uint8_t* const at = bytes_.data() + bytes_.size() - command_bytes;
    put(at, static_cast<std::uint32_t>(command), 4);
    return at;
  }
  static void name(std::uint8_t* at, std::string_view file) {
    LS_ASSERT(file.size() < name_bytes);
    std::copy(file.begin(), file.end(), at);
  }
  static void put(std::uint8_t* at, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace

LoaderFiles loader_files(const AcpiRequest& request) {
  AcpiImage image = build_acpi_image(request, 0);
  LoaderFiles files;
  files.rsdp = acpi_root_pointer(image.rsdt_at, image.xsdt_at);
  Commands commands;
  commands.allocate(rsdp_file, 16, Zone::low);
  commands.allocate(tables_file, 64, Zone::high);
  for (const AcpiImage::Pointer& pointer : image.pointers)
    commands.add_pointer(tables_file, tables_file, pointer.at, pointer.bytes);
  for (const AcpiImage::Sum& sum : image.sums) {
    image.bytes[sum.at] = 0;  // the sum over what is there then must not contain an old one
    commands.add_checksum(tables_file, sum.at, sum.start, sum.length);
  }
  commands.add_pointer(rsdp_file, tables_file, rsdp_rsdt, 4);
  commands.add_pointer(rsdp_file, tables_file, rsdp_xsdt, 8);
  files.rsdp[rsdp_sum] = files.rsdp[rsdp_extended_sum] = 0;
  commands.add_checksum(rsdp_file, rsdp_sum, 0, rsdp_old_bytes);
  commands.add_checksum(rsdp_file, rsdp_extended_sum, 0, files.rsdp.size());
  files.tables = std::move(image.bytes);
  files.commands = commands.take();
  return files;
}

}  // namespace lockstitch::boot
