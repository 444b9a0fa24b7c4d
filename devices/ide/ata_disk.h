// An ATA disk on an IDE cable: its commands, by port and by DMA. Not here: where the sectors are kept
// (lockstitch/block.h), the registers (ide_drive.h).
#pragma once
#include <string>
#include <string_view>

#include "devices/ide/ata_identity.h"
#include "devices/ide/ide_drive.h"
#include "lockstitch/block.h"

namespace lockstitch {

/// Source: ATA/ATAPI-6 (T13 1410D) chapter 8; reference/platform.md 7.8. A write to a disk that is read-only is
/// aborted.
class AtaDisk final : public IdeDrive {
 public:
  AtaDisk(DriveCable& cable, BlockPort& disk, std::string_view serial);

  void power_on() override;
  void visit(StateVisitor& visitor) override;

 private:
  /// What the time of busy() ends with.
  enum class Step : std::uint8_t { none, finish, fail, identify, read, write, flush, end_of_steps };
  /// How a command names sectors and moves them.
  struct Access {
    bool wide = false;  ///< 48 bits
    bool writing = false, dma = false, multiple = false, durable = false;
  };

  void start(std::uint8_t code, std::uint8_t device) override;
  void resume() override;
  void block_taken() override;
  void block_given() override;
  std::uint64_t dma_bytes() const override { return left_ * sector_bytes; }
  bool transfer(RegionWalk& walk, MutableBytes scratch) override;
  void transferred() override;
  void forget() override;
  void set_signature() override { set_registers(1, 1, 0, 0); }
  std::uint8_t status_after_reset() const override { return status_ready | status_seek; }

  void default_settings();
  void do_later(Step step, std::uint64_t ns = command_ns);
  void fail_later(std::uint8_t error);
  /// Sets next_ and left_ from the registers. Returns false if no such sectors exist.
  bool locate(bool wide, std::uint8_t device);
  bool in_range(std::uint64_t sector, std::uint64_t count) const;
  void access(const Access& how, std::uint8_t device);
  void verify(bool wide, std::uint8_t device);
  void set_geometry(std::uint8_t device);
  void set_multiple();
  void set_features();
  void identify();
  void read_block();
  void write_block();
  std::uint32_t block_sectors() const;
  /// All sectors are transferred.
  void written();
  void show_progress();

  BlockPort& disk_;
  std::string serial_;
  std::uint16_t cylinders_;

  Step step_ = Step::none;
  std::uint8_t error_later_ = 0;
  std::uint64_t next_ = 0;  ///< sector
  std::uint64_t left_ = 0;  ///< sectors
  std::uint8_t block_ = 1;  ///< sectors in one block by the port
  bool writing_ = false, durable_ = false;
  // Settings.
  std::uint8_t heads_ = 0, track_sectors_ = 0;  ///< of addresses by cylinder, head and sector; never 0
  std::uint8_t multiple_ = 0;
  TransferMode mode_;
  bool write_cache_ = true, look_ahead_ = true;
};

}  // namespace lockstitch
