// A flash chip in which UEFI firmware keeps its variables. The guest reads it as memory while the chip is in its array
// mode; all else goes through the window. Not here: the file that keeps the contents over the end of a run.
#pragma once
#include <cstdint>
#include <string>

#include "lockstitch/device.h"

namespace lockstitch {

/// Models:   an Intel-command-set flash of 8-bit width with blocks of 4 KiB
/// Maturity: what OVMF uses: byte program, block erase, status, clear, array
/// Missing:  query and id modes (they read as status), buffered writes, locking
/// Ignored:  unknown commands; the time that programming takes
/// Arrivals: none
/// Effects:  none
/// Alarms:   none
/// Source:   Intel 28F008 datasheet; reference/platform.md 5.3
class CfiFlash final : public Device, public RegisterWindow {
 public:
  /// `storage` must be read-only for the guest and lie above this window, at `base`. Order: load() once, before the
  /// start.
  CfiFlash(std::string name, DeviceMemory& storage, Gpa base)
      : name_(std::move(name)), storage_(storage), base_(base) {}
  void load(Bytes contents) { storage_.write(0, contents); }
  Bytes contents() const { return storage_.contents(); }

  std::string_view name() const override { return name_; }
  /// Array mode; what is stored stays.
  void reset() override;
  void visit(StateVisitor& visitor) override;

  /// Only reached outside of array mode.
  std::uint64_t read(std::uint64_t offset, unsigned width) override;
  void write(std::uint64_t offset, unsigned width, std::uint64_t value) override;

 private:
  enum class Mode : std::uint8_t { array, status, program, erase };

  void enter(Mode mode);

  std::string name_;
  DeviceMemory& storage_;
  const Gpa base_;

  Mode mode_ = Mode::status;  ///< until the first reset()
  std::uint8_t status_ = 0;
};

}  // namespace lockstitch
