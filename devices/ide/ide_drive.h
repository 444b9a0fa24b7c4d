// What every drive on an IDE cable has: the registers of its task file, a buffer for data by the port, the interrupt
// and the time at which it goes on. Not here: what commands mean (ata_disk.h, cd_drive.h), selection (ide_channel.h).
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "devices/ide/bus_master.h"
#include "lockstitch/device.h"

namespace lockstitch {

/// What a drive sees of its cable.
class DriveCable {
 public:
  virtual ~DriveCable() = default;
  virtual VirtualNs now() const = 0;
  /// The guest has switched the interrupt off and looks at the status instead.
  virtual bool polled() const = 0;
  /// Something happened to the drive that was not an access by the guest.
  virtual void drive_changed() = 0;
};

/// idle → busy → idle                          a command without data
/// idle → busy → data_in → (busy → data_in)* → idle
/// idle → data_out → busy → (data_out → busy)* → idle
/// idle → (busy →) dma_waiting ⇄ dma_moving → idle
/// any → resetting → idle                      software reset, diagnostics
enum class DrivePhase : std::uint8_t { idle, busy, data_in, data_out, dma_waiting, dma_moving, resetting };

/// Source: ATA/ATAPI-6 (T13 1410D) chapters 6, 7, 9; reference/platform.md 7.8
class IdeDrive {
 public:
  // Unit: ns. See reference/platform.md 7.8, completion latency. A later block by the port is there at once for a guest
  // that polls: its waiting would cost more than the transfer and no driver can be surprised by an interrupt.
  static constexpr std::uint64_t command_ns = 5'000, flush_ns = 50'000, next_block_ns = 2'000;
  static constexpr std::uint64_t dma_ns = 50'000, dma_byte_ns = 1;
  /// Unit: bytes. Data by the port comes in blocks of at most this: the byte count of a packet command has 16 bits.
  static constexpr std::size_t buffer_bytes = 65'536;

  virtual ~IdeDrive() = default;

  /// Power-on, at once.
  virtual void power_on();
  virtual void visit(StateVisitor& visitor);

  /// Range: 1..5, the registers between data and device.
  std::uint8_t read_register(unsigned offset, bool high_order) const;
  /// Dropped while the drive is at work.
  void write_register(unsigned offset, std::uint8_t value);
  std::uint8_t status() const { return status_; }
  /// `device`: the register that selected the drive.
  void command(std::uint8_t code, std::uint8_t device);
  std::uint16_t read_data();
  std::uint32_t read_data_twice();
  void write_data(std::uint16_t value);

  bool interrupt() const { return interrupt_; }
  void acknowledge() { interrupt_ = false; }

  /// Software reset: the line goes up, and down again.
  void begin_reset();
  void end_reset();
  /// `interrupts`: this drive reports the end of the diagnostics.
  void diagnose(bool interrupts);

  /// ns_never: nothing will happen by itself.
  VirtualNs deadline() const { return deadline_; }
  bool due() const { return deadline_ <= cable_.now(); }
  /// Called when due, but for a transfer, which needs the bus master.
  void go_on();

  bool waits_for_dma() const { return phase_ == DrivePhase::dma_waiting; }
  bool moves() const { return phase_ == DrivePhase::dma_moving; }
  void begin_dma();
  /// The bus master was stopped before the data moved.
  void interrupt_dma();
  /// Called when due: all data moves now. `scratch`: a piece of at least 2048 bytes. Returns true if all was moved.
  bool move(RegionWalk& walk, MutableBytes scratch);
  /// The bus master cannot move anything. The drive is left without an interrupt, as after a table that is too short.
  void strand();

 protected:
  static constexpr std::uint8_t status_error = 0x01, status_request = 0x08, status_seek = 0x10, status_ready = 0x40,
                                status_busy = 0x80;
  static constexpr std::uint8_t error_abort = 0x04, error_not_found = 0x10;

  explicit IdeDrive(DriveCable& cable) : cable_(cable), buffer_(buffer_bytes) {}

  // What a kind of drive defines.
  virtual void start(std::uint8_t code, std::uint8_t device) = 0;
  /// The time of busy() is over.
  virtual void resume() = 0;
  /// The guest has taken, or given, the whole buffer.
  virtual void block_taken() = 0;
  virtual void block_given() = 0;
  virtual std::uint64_t dma_bytes() const = 0;
  /// Returns true if all was moved.
  virtual bool transfer(RegionWalk& walk, MutableBytes scratch) = 0;
  virtual void transferred() = 0;
  /// The command in progress is forgotten.
  virtual void forget() = 0;
  /// Settings that a software reset brings back.
  virtual void set_signature() = 0;
  virtual std::uint8_t status_after_reset() const = 0;

  // What they do it with.
  DriveCable& cable() { return cable_; }
  MutableBytes buffer() { return buffer_; }
  void busy(std::uint64_t ns);
  void finish();
  void fail(std::uint8_t error);
  /// Range: bytes 1..buffer_bytes; the data lies in buffer().
  void offer(std::size_t bytes);
  void request(std::size_t bytes, bool interrupts);
  void wait_for_dma();
  /// Keeps what lies in buffer() over a time of busy(). Range: bytes up to buffer_bytes.
  void hold(std::size_t bytes) { at_ = end_ = static_cast<std::uint32_t>(bytes); }
  std::size_t held() const { return end_; }
  /// The guest has taken the last block of a command that ends without a further interrupt.
  void rest();
  /// Between two blocks: at once if the guest polls.
  bool next_block_at_once() const { return cable_.polled(); }

  void set_error(std::uint8_t value) { error_ = value; }
  void set_registers(std::uint8_t count, std::uint8_t low, std::uint8_t mid, std::uint8_t high);
  void set_count(std::uint8_t count) { registers_[2] = count; }
  void set_byte_count(std::uint16_t bytes);
  std::uint8_t features() const { return registers_[1]; }
  std::uint8_t count() const { return registers_[2]; }
  /// The 16-bit register at 1..5: what was written last is its low half, what was written before that its high half.
  std::uint16_t wide_register(unsigned offset) const {
    return static_cast<std::uint16_t>(registers_[offset] | previous_[offset] << 8);
  }
  std::uint8_t narrow(unsigned offset) const { return registers_[offset]; }
  void set_wide_register(unsigned offset, std::uint16_t value);

 private:
  void after_reset();

  DriveCable& cable_;
  DrivePhase phase_ = DrivePhase::idle;
  std::uint8_t status_ = 0, error_ = 0;
  std::array<std::uint8_t, 6> registers_{}, previous_{};
  bool interrupt_ = false;
  bool interrupt_after_reset_ = false;
  VirtualNs deadline_ = ns_never;
  std::vector<std::uint8_t> buffer_;  ///< Shape: buffer_bytes; [at_, end_) is still to be moved
  std::uint32_t at_ = 0, end_ = 0;
};

}  // namespace lockstitch
