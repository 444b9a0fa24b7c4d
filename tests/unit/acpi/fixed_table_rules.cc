// See fixed_table_rules.h. Source: ACPI 6.3 5.2.9 (FADT), 5.2.12 (MADT); IA-PC HPET specification 1.0a 3.2.4.
#include "tests/unit/acpi/fixed_table_rules.h"

#include <algorithm>
#include <array>

#include "vmm/boot/little_endian.h"

namespace lockstitch::acpi_check {

using boot::get;

namespace {

struct Block {
  const char* name;
  std::size_t at, length_at, extended_at;
  std::uint64_t least, alignment;
  bool required;
};
/// The register blocks of the FADT: where the address, the length and the extended address are.
constexpr std::array<Block, 8> blocks{{{"PM1a_EVT_BLK", 56, 88, 148, 4, 4, true},
                                       {"PM1b_EVT_BLK", 60, 88, 160, 4, 4, false},
                                       {"PM1a_CNT_BLK", 64, 89, 172, 2, 2, true},
                                       {"PM1b_CNT_BLK", 68, 89, 184, 2, 2, false},
                                       {"PM2_CNT_BLK", 72, 90, 196, 1, 1, false},
                                       {"PM_TMR_BLK", 76, 91, 208, 4, 4, true},
                                       {"GPE0_BLK", 80, 92, 220, 2, 2, false},
                                       {"GPE1_BLK", 84, 93, 232, 2, 2, false}}};

void check_extended_block(Bytes fadt, const Block& block, std::uint64_t port, std::uint64_t length,
                          Findings& findings) {
  const Bytes gas = fadt.subspan(block.extended_at, 12);
  const auto address = get<std::uint64_t>(gas, 4);
  const std::string name = std::string("X_") + block.name;
  if (address == 0) {
    if (port) findings.add("fadt-x-agrees", "FADT " + name + " is 0, but " + block.name + " is " + hex(port));
    return;
  }
  if (gas[0] != 1)
    findings.add("fadt-x-agrees", "FADT " + name + " is in address space " + hex(gas[0]) + "; a PC's is 1, ports");
  if (address != port)
    findings.add("fadt-x-agrees", "FADT " + name + " is " + hex(address) + ", but " + block.name + " is " + hex(port));
  if (gas[1] != 8 * length || gas[2] != 0)
    findings.add("fadt-x-agrees", "FADT " + name + " is " + std::to_string(gas[1]) + " bits wide from bit " +
                                      std::to_string(gas[2]) + "; by its length it has " + std::to_string(8 * length));
  if (gas[3] > 4)
    findings.add("fadt-x-agrees", "FADT " + name + " has access size " + hex(gas[3]) + "; 4 is the greatest");
}

void check_blocks(Bytes fadt, const BoardFacts& board, Findings& findings) {
  struct Used {
    const char* name;
    std::uint64_t first, end;
  };
  std::vector<Used> used;
  for (const Block& block : blocks) {
    const std::uint64_t port = get<std::uint32_t>(fadt, block.at), length = fadt[block.length_at];
    if (fadt.size() >= 244) check_extended_block(fadt, block, port, length, findings);
    if (port == 0) {
      if (block.required)
        findings.add("fadt-blocks", std::string("FADT ") + block.name + " is 0; this block is required");
      continue;
    }
    if (length < block.least || length % block.least != 0)
      findings.add("fadt-blocks", std::string("FADT ") + block.name + " has a length of " + std::to_string(length) +
                                      "; it must be a multiple of " + std::to_string(block.least));
    if (port % block.alignment != 0 || port + length > 0x1'0000)
      findings.add("fadt-blocks", std::string("FADT ") + block.name + " is " + hex(port) + "; it must be aligned to " +
                                      std::to_string(block.alignment) + " and below 10000h");
    if (!has_ports(board, port, length))
      findings.add("fadt-ports",
                   std::string("FADT ") + block.name + " is " + hex(port) + ", where no such register is");
    for (const Used& other : used)
      if (port < other.end && other.first < port + length)
        findings.add("fadt-overlap",
                     std::string("FADT ") + block.name + " at " + hex(port) + " overlaps " + other.name);
    used.push_back({block.name, port, port + length});
  }
}

void check_mode_switch(Bytes fadt, const BoardFacts& board, Findings& findings) {
  const auto command = get<std::uint32_t>(fadt, 48);
  const unsigned enable = fadt[52], disable = fadt[53];
  if (command == 0) {
    if (enable || disable)
      findings.add("fadt-enable",
                   "FADT SMI_CMD is 0 but ACPI_ENABLE is " + hex(enable) + "; without a port both are 0");
    return;
  }
  if (!has_ports(board, command, 1))
    findings.add("fadt-enable", "FADT SMI_CMD is " + hex(command) + ", where no port answers that could set SCI_EN");
  if (enable == 0 || disable == 0 || enable == disable)
    findings.add("fadt-enable", "FADT ACPI_ENABLE is " + hex(enable) + " and ACPI_DISABLE " + hex(disable) +
                                    "; with an SMI_CMD both must be given and differ");
}

void check_flags(Bytes fadt, const BoardFacts& board, Findings& findings) {
  const auto flags = get<std::uint32_t>(fadt, 112);
  const auto boot_architecture = get<std::uint16_t>(fadt, 109);
  const auto must = [&](unsigned bit, bool set, const char* why) {
    if ((flags >> bit & 1) != set)
      findings.add("fadt-flags", "FADT flags are " + hex(flags) + "; bit " + std::to_string(bit) +
                                     (set ? " must be set: " : " must be clear: ") + why);
  };
  must(0, true, "WBINVD works");
  must(2, true, "C1 is there on every processor");
  must(4, false, "the power button is a fixed one, which every Windows hears");
  must(5, true, "there is no fixed sleep button");
  must(7, false, "the RTC cannot wake from S4, which does not exist");
  must(8, false, "the PM timer has 24 bits");
  must(20, false, "the board is not of the reduced-hardware kind, which has no PM1 registers");
  if (fadt[8] >= 3) {
    const bool keyboard = boot_architecture & 2, no_vga = boot_architecture & 4;
    if (!(boot_architecture & 1))
      findings.add("fadt-boot-arch",
                   "FADT IAPC_BOOT_ARCH is " + hex(boot_architecture) + "; bit 0 must be set, there are ISA devices");
    if (keyboard != board.keyboard)
      findings.add("fadt-boot-arch",
                   "FADT IAPC_BOOT_ARCH is " + hex(boot_architecture) + "; bit 1 must say whether there is an 8042");
    if (no_vga != !board.vga)
      findings.add("fadt-boot-arch",
                   "FADT IAPC_BOOT_ARCH is " + hex(boot_architecture) + "; bit 2 must say whether VGA is absent");
  }
  if (!(flags >> 10 & 1)) return;
  if (fadt.size() < 129) {
    findings.add("fadt-reset", "FADT flags are " + hex(flags) + " with a reset register, but the table ends before it");
    return;
  }
  const auto reset_port = get<std::uint64_t>(fadt, 120);
  if (fadt[116] > 2 || fadt[117] != 8 || fadt[118] != 0 || fadt[119] > 1)
    findings.add("fadt-reset", "FADT RESET_REG is " + std::to_string(fadt[117]) + " bits wide from bit " +
                                   std::to_string(fadt[118]) + " in space " + hex(fadt[116]) + "; it must be one byte");
  if (fadt[116] == 1 && !has_ports(board, reset_port, 1))
    findings.add("fadt-reset", "FADT RESET_REG is " + hex(reset_port) + ", where no port answers");
}

}  // namespace

bool has_ports(const BoardFacts& board, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t port = first; port < first + count; ++port) {
    if (std::none_of(board.ports.begin(), board.ports.end(),
                     [&](const PortRange& range) { return port >= range.first && port - range.first < range.count; }))
      return false;
  }
  return true;
}

void check_fadt(Bytes fadt, const BoardFacts& board, Findings& findings) {
  // The least length of each revision, and the greatest that Windows takes for it.
  struct Revision {
    unsigned number;
    std::size_t bytes;
  };
  static constexpr std::array<Revision, 5> revisions{{{1, 116}, {3, 244}, {4, 244}, {5, 268}, {6, 276}}};
  const auto revision =
      std::find_if(revisions.begin(), revisions.end(), [&](const Revision& r) { return r.number == fadt[8]; });
  if (revision == revisions.end()) {
    findings.add("fadt-length", "FADT has revision " + std::to_string(fadt[8]) + ", which no operating system knows");
  } else if (fadt.size() != revision->bytes) {
    findings.add("fadt-length", "FADT of revision " + std::to_string(fadt[8]) + " has " + std::to_string(fadt.size()) +
                                    " bytes; it must have " + std::to_string(revision->bytes));
  }
  const auto sci = get<std::uint16_t>(fadt, 46);
  if (sci != board.sci)
    findings.add("fadt-sci",
                 "FADT SCI_INT is " + std::to_string(sci) + "; the board raises " + std::to_string(board.sci));
  if (fadt[44] > 1) findings.add("fadt-sci", "FADT INT_MODEL is " + hex(fadt[44]) + "; 1 is the greatest");
  check_mode_switch(fadt, board, findings);
  check_blocks(fadt, board, findings);
  check_flags(fadt, board, findings);
  const auto c2 = get<std::uint16_t>(fadt, 96), c3 = get<std::uint16_t>(fadt, 98);
  if (c2 <= 100 || c3 <= 1000)
    findings.add("fadt-latency", "FADT P_LVL2_LAT is " + std::to_string(c2) + " and P_LVL3_LAT " + std::to_string(c3) +
                                     "; above 100 and 1000 they say that C2 and C3 are not there");
  const unsigned century = fadt[108], day = fadt[106], month = fadt[107];
  for (const unsigned index : {century, day, month}) {
    if (index != 0 && (index < 0x0d || index > 0x7f))
      findings.add("fadt-rtc", "FADT CENTURY, DAY_ALRM or MON_ALRM is " + hex(index) + "; CMOS bytes are 0Dh..7Fh");
  }
}

namespace {

void check_override(Bytes entry, const BoardFacts& board, std::map<unsigned, unsigned>& gsi_of, MadtContents& contents,
                    Findings& findings) {
  const unsigned irq = entry[3], flags = get<std::uint16_t>(entry, 8);
  const auto gsi = get<std::uint32_t>(entry, 4);
  const std::string name = "MADT override of ISA interrupt " + std::to_string(irq);
  if (entry[2] != 0 || irq > 15)
    findings.add("madt-override",
                 name + " is for bus " + hex(entry[2]) + "; the ISA bus is 0 and has interrupts 0..15");
  if (!gsi_of.emplace(irq, gsi).second) findings.add("madt-override", name + " is there twice; one is allowed");
  if (gsi >= board.ioapic_pins)
    findings.add("madt-gsi", name + " leads to GSI " + std::to_string(gsi) + "; the IOAPIC has " +
                                 std::to_string(board.ioapic_pins));
  if ((flags & 3) == 2 || (flags >> 2 & 3) == 2 || flags > 15)
    findings.add("madt-override", name + " has flags " + hex(flags) + ", which are reserved");
  const bool level = (flags >> 2 & 3) == 3, low = (flags & 3) == 3;
  const bool should_be_level = std::count(board.level_irqs.begin(), board.level_irqs.end(), irq) != 0;
  if (level) contents.level_irqs.insert(irq);
  const char* const rule = irq == board.sci ? "madt-sci" : "madt-override";
  if (level != should_be_level || low)
    findings.add(rule, name + " has flags " + hex(flags) + "; the board wires it as " +
                           (should_be_level ? "level" : "edge") + ", active high");
}

}  // namespace

MadtContents check_madt(Bytes madt, const BoardFacts& board, Findings& findings) {
  MadtContents contents;
  if (madt.size() < 44) {
    findings.add("madt-entries", "MADT has " + std::to_string(madt.size()) + " bytes; 44 come before its entries");
    return contents;
  }
  if (get<std::uint32_t>(madt, 36) != board.local_apic)
    findings.add("madt-local-apic", "MADT gives " + hex(get<std::uint32_t>(madt, 36)) +
                                        " for local APICs; they are at " + hex(board.local_apic));
  if (get<std::uint32_t>(madt, 40) != 1)
    findings.add("madt-flags", "MADT flags are " + hex(get<std::uint32_t>(madt, 40)) +
                                   "; they must be 1, PCAT_COMPAT: the 8259 pair is there");
  std::set<unsigned> apic_ids;
  std::map<unsigned, unsigned> gsi_of;
  unsigned ioapics = 0;
  for (std::size_t at = 44; at < madt.size();) {
    const unsigned length = at + 2 <= madt.size() ? madt[at + 1] : 0;
    if (length < 2 || length > madt.size() - at) {
      findings.add("madt-entries", "MADT entry at byte " + std::to_string(at) + " has a length of " +
                                       std::to_string(length) + ", which does not end with the table");
      break;
    }
    const Bytes entry = madt.subspan(at, length);
    at += length;
    static constexpr std::array<unsigned, 6> lengths{8, 12, 10, 8, 6, 12};
    if (entry[0] < lengths.size() && length != lengths[entry[0]]) {
      findings.add("madt-entries", "MADT entry of type " + hex(entry[0]) + " has " + std::to_string(length) +
                                       " bytes; it must have " + std::to_string(lengths[entry[0]]));
      continue;
    }
    switch (entry[0]) {
      case 0:
        if (!(get<std::uint32_t>(entry, 4) & 1)) break;
        if (!contents.processors.insert(entry[2]).second || !apic_ids.insert(entry[3]).second)
          findings.add("madt-processors", "MADT lists processor " + std::to_string(entry[2]) + " with APIC id " +
                                              std::to_string(entry[3]) + "; each may be there once");
        break;
      case 1: {
        ++ioapics;
        const auto address = get<std::uint32_t>(entry, 4), first = get<std::uint32_t>(entry, 8);
        if (address != board.ioapic || first != 0)
          findings.add("madt-ioapic", "MADT gives " + hex(address) + " with GSI " + std::to_string(first) +
                                          " for the IOAPIC; it is at " + hex(board.ioapic) + " with GSI 0");
        contents.first_gsi = first;
        contents.gsis = board.ioapic_pins;
        break;
      }
      case 2:
        check_override(entry, board, gsi_of, contents, findings);
        break;
      case 4:
        if (entry[5] > 1)
          findings.add("madt-nmi", "MADT connects NMI to LINT" + std::to_string(entry[5]) + "; there are 0 and 1");
        if (entry[2] != 0xff && entry[2] >= board.cpus)
          findings.add("madt-nmi",
                       "MADT connects NMI to processor " + std::to_string(entry[2]) + ", which does not exist");
        break;
      default:
        findings.add("madt-entries", "MADT has an entry of type " + hex(entry[0]) + ", which the board has no use for");
    }
  }
  std::set<unsigned> expected;
  for (unsigned i = 0; i < board.cpus; ++i) expected.insert(i);
  if (apic_ids != expected)
    findings.add("madt-processors", "MADT lists " + std::to_string(apic_ids.size()) +
                                        " enabled local APICs; the board has ids 0.." + std::to_string(board.cpus - 1));
  if (ioapics != 1)
    findings.add("madt-ioapic", "MADT lists " + std::to_string(ioapics) + " IOAPICs; the board has one");
  if (!gsi_of.count(0) || gsi_of[0] != 2)
    findings.add("madt-irq0", "MADT leads ISA interrupt 0 to GSI " + std::to_string(gsi_of.count(0) ? gsi_of[0] : 0) +
                                  "; the timer is wired to 2");
  for (const unsigned irq : board.level_irqs)
    if (!gsi_of.count(irq))
      findings.add(irq == board.sci ? "madt-sci" : "madt-override",
                   "MADT has no override for interrupt " + std::to_string(irq) + ", which must be level, active high");
  for (const auto& [irq, gsi] : gsi_of)
    if (irq != 0 && gsi != irq)
      findings.add("madt-override", "MADT leads ISA interrupt " + std::to_string(irq) + " to GSI " +
                                        std::to_string(gsi) + "; only 0 is wired to another pin than its own");
  return contents;
}

void check_hpet(Bytes hpet, const BoardFacts& board, Findings& findings) {
  if (hpet.size() != 56) {
    findings.add("hpet-table", "HPET has " + std::to_string(hpet.size()) + " bytes; it must have 56");
    return;
  }
  const auto id = get<std::uint32_t>(hpet, 36);
  if (hpet[40] != 0 || get<std::uint64_t>(hpet, 44) != board.hpet_gpa)
    findings.add("hpet-table", "HPET is at " + hex(get<std::uint64_t>(hpet, 44)) + " in space " + hex(hpet[40]) +
                                   "; it is memory at " + hex(board.hpet_gpa));
  if (hpet[41] != 64 && hpet[41] != 0)
    findings.add("hpet-table",
                 "HPET registers are " + std::to_string(hpet[41]) + " bits wide; they must be 64 or undeclared");
  if (id >> 16 == 0 || (id & 0xff) == 0)
    findings.add("hpet-table", "HPET hardware id is " + hex(id) + "; vendor and revision must not be 0");
}

void check_waet(Bytes waet, Findings& findings) {
  const auto flags = waet.size() >= 40 ? get<std::uint32_t>(waet, 36) : 0;
  if (waet.size() != 40)
    findings.add("waet-flags", "WAET has " + std::to_string(waet.size()) + " bytes; it must have 40");
  else if (flags != 2)
    findings.add("waet-flags",
                 "WAET flags are " + hex(flags) + "; they must be 2: the RTC stops until register C is read");
}

}  // namespace lockstitch::acpi_check
