// The display adapter: a PCI function with video memory, the VGA's ports and window and the Bochs display interface put
// together. Not here: what each of them does (the other files of this folder) and who looks at the screen (vmm/world).
#pragma once
#include <optional>
#include <string>

#include "devices/pci/pci_function.h"
#include "devices/video/dispi.h"
#include "devices/video/register_block.h"
#include "devices/video/vga_memory.h"
#include "devices/video/vga_registers.h"
#include "lockstitch/screen.h"

namespace lockstitch {

/// Models:   VGA with 16 MiB and the Bochs VBE display interface (1234:1111), a monitor that prefers 1024 by 768
/// Maturity: what firmware, Linux and Windows use: text, CGA, planar and 256-colour modes, linear modes to 32 bits
/// Missing:  big-endian pixels, a ROM BAR, interrupts at retrace, light pen, interlace, count by two and four
/// Ignored:  the clock select and RAM enable of the miscellaneous register, port 3C3h (stored); the command register
///           governs the BARs but not the legacy ports and A0000h, which the board routes; blinking is shown lit
/// Arrivals: none
/// Effects:  none; the screen is a view of the state
/// Alarms:   none; the retrace bits follow from virtual time
/// Source:   IBM VGA technical reference; reference/platform.md 7.13
class VgaFunction final : public PciFunction, public Screen {
 public:
  static constexpr std::uint64_t video_memory_bytes = 16u << 20, register_bytes = RegisterBlock::block_bytes;

  /// Range: `video_memory` has video_memory_bytes; BAR0 moves its map.
  VgaFunction(std::string name, ClockPort& clock, DeviceMemory& video_memory);
  /// BAR2's place. Called once, before anything else.
  void attach(MapPort& registers) { attach_bar(2, registers); }

  RegisterWindow& ports() { return vga_; }                ///< VgaRegisters::ports at 3B0h
  RegisterWindow& dispi_ports() { return dispi_ports_; }  ///< DispiPorts::ports at 1CEh
  RegisterWindow& legacy_memory() { return memory_; }     ///< VgaMemory::window_bytes at A0000h
  RegisterWindow& registers() { return block_; }          ///< register_bytes

  void reset() override;
  void visit(StateVisitor& visitor) override;
  void loaded() override;

  void draw(Picture& picture) const override;
  std::optional<TextScreen> text() const override;

 private:
  bool shown() const { return vga_.palette_shown() && (dispi_.enabled() || vga_.sequencer_shown()); }

  DeviceMemory& video_memory_;
  VgaRegisters vga_;
  Dispi dispi_;
  DispiPorts dispi_ports_;
  VgaMemory memory_;
  RegisterBlock block_;
};

}  // namespace lockstitch
