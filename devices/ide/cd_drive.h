// An ATAPI CD/DVD reader on an IDE cable: packets by port and by DMA, the medium in it and what changes that. Not here:
// the answers to packets that only ask (mmc_commands.h), the registers (ide_drive.h).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "devices/ide/ata_identity.h"
#include "devices/ide/ide_drive.h"
#include "devices/ide/mmc_commands.h"
#include "lockstitch/block.h"

namespace lockstitch {

/// One byte arrives: the index of the medium to insert, in place of what is there, or FFh to eject. It always works,
/// also when the guest has locked the drive; a read that is going on fails. Others are dropped. A reset leaves the
/// medium. Source: ATA/ATAPI-6 (T13 1410D) chapters 8 and 9, MMC-5; reference/platform.md 7.8
class CdDrive final : public IdeDrive, public ArrivalHandler {
 public:
  CdDrive(DriveCable& cable, std::vector<BlockPort*> media, std::string_view serial);

  void power_on() override;
  void visit(StateVisitor& visitor) override;
  void arrive(Bytes payload) override;

 private:
  static constexpr std::uint8_t no_medium = 0xff;
  /// What the time of busy() ends with, or the guest's giving of a packet.
  enum class Step : std::uint8_t {
    none,
    finish,
    abort,
    identify,
    packet,
    execute,
    check,
    next_block,
    success,
    end_of_steps
  };
  /// Where the data of the packet command comes from or goes to.
  enum class Data : std::uint8_t { none, answer, disc, dropped, end_of_kinds };

  void start(std::uint8_t code, std::uint8_t device) override;
  void resume() override;
  void block_taken() override;
  void block_given() override;
  std::uint64_t dma_bytes() const override { return left_; }
  bool transfer(RegionWalk& walk, MutableBytes scratch) override;
  void transferred() override { succeed(); }
  void forget() override;
  void set_signature() override { set_registers(1, 1, 0x14, 0xeb); }
  std::uint8_t status_after_reset() const override { return 0; }

  void do_later(Step step, std::uint64_t ns = command_ns);
  void set_features();
  void start_packet();
  void accept_packet();
  void execute();
  void answer(MmcAnswer what);
  void request_sense();
  void start_stop();
  void read(std::uint32_t block, std::uint32_t blocks);
  /// The data of a command: `left` bytes from, or to, `data`.
  void deliver(Data data, std::uint64_t at, std::uint64_t left);
  void next_block();
  void succeed();
  void check(const Sense& sense);

  bool present() const { return medium_ != no_medium; }
  std::uint32_t blocks() const;
  bool on_disc(std::uint64_t at, std::uint64_t bytes) const;
  /// Unit: bytes from the start of the disc; any position.
  void read_disc(std::uint64_t at, MutableBytes out);
  void fetch(MutableBytes out);
  CdState state() const;

  std::vector<BlockPort*> media_;
  std::string serial_;

  std::uint8_t medium_;  ///< index into media_
  bool tray_open_ = false, locked_ = false;
  TransferMode mode_;
  Sense sense_;
  std::uint8_t attention_ = 0;  ///< additional sense code of the unit attention that waits; 0: none
  MediumEvent event_ = MediumEvent::none;

  Step step_ = Step::none;
  Packet packet_{};
  Data data_ = Data::none;
  bool dma_ = false;
  std::uint16_t block_limit_ = 0;  ///< bytes in a block by the port
  std::uint64_t position_ = 0;     ///< byte of the disc or of the answer that comes next
  std::uint64_t left_ = 0;         ///< bytes
  std::vector<std::uint8_t> answer_;
};

}  // namespace lockstitch
