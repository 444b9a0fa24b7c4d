// See recording.h.
#include "vmm/app/recording.h"

#include <fmt/format.h>

#include <chrono>
#include <climits>
#include <cstdlib>

#include "sync/log/header.h"
#include "sync/trace/image.h"
#include "vmm/app/image_files.h"
#include "vmm/app/image_pieces.h"
#include "vmm/app/message.h"
#include "vmm/app/trace_header.h"

namespace lockstitch::app {

namespace {

std::string absolute(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) != nullptr ? resolved : path;
}

}  // namespace

/// Writes what the core has appended when no effect makes it.
class Recording::LogEndpoint final : public world::Endpoint {
 public:
  /// Unit: ms. What a kill can cost at most: the last moments that no effect has told of.
  static constexpr int interval_ms = 100;

  explicit LogEndpoint(Recording& owner) : owner_(owner) {}

  PortId port() const override { return control_port; }
  void want(std::vector<pollfd>&) override {}
  int timeout_ms() override { return interval_ms; }
  void ready(std::span<const pollfd>) override {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(interval_ms);
    owner_.make_safe();
  }

 private:
  Recording& owner_;
  std::chrono::steady_clock::time_point next_{};
};

Recording::Recording(const Settings& settings, world::StopRequest& stop, sync::TraceFolder folder)
    : settings_(settings), stop_(stop), folder_(std::move(folder)) {
  folder_.read_formats_with(open_image_pieces);
}

Recording::~Recording() = default;

Result<std::unique_ptr<Recording>> Recording::create(const Settings& settings, world::StopRequest& stop) {
  auto folder = sync::TraceFolder::create(settings.trace);
  if (!folder.ok()) return folder.error();
  std::unique_ptr<Recording> recording(new Recording(settings, stop, std::move(folder).value()));
  recording->endpoint_ = std::make_unique<LogEndpoint>(*recording);
  return recording;
}

Outcome Recording::begin(Board& board, const WrittenDisks& disks) {
  machine_ = &board.machine();
  disks_ = &disks;
  probe_ = std::make_unique<MachineProbe>(*machine_);
  auto images = identify_images();
  if (!images.ok()) return images.error();
  for (const sync::ImageReference& image : images.value()) {
    if (!image.role.starts_with("disk")) folder_.keep_link(image);
  }
  sync::Header header = describe(settings_, board, std::move(images).value());
  if (const Outcome written = sync::write_header(folder_.header(), header); !written) return written;
  const Digest name = header.identity;

  sync::LogOptions options;
  options.sync_ms = settings_.log_sync_ms;
  auto writer = sync::LogWriter::create(folder_.log(), name, options);
  if (!writer.ok()) return writer.error();
  writer_ = std::move(writer).value();
  auto checkpoints = sync::CheckpointWriter::open(folder_.checkpoints(), name, region_shapes(*machine_, disks));
  if (!checkpoints.ok()) return checkpoints.error();
  checkpoints_ = std::move(checkpoints).value();
  if (settings_.checkpoint_every_ns != 0) next_checkpoint_ = machine_->now().ns + settings_.checkpoint_every_ns;
  return success();
}

Result<std::vector<sync::ImageReference>> Recording::identify_images() const {
  std::vector<sync::ImageReference> images;
  for (const ImageFile& file : image_files(settings_)) {
    const auto format = format_name(file);
    if (!format.ok()) return format.error();
    auto contents = folder_.open_image(file.path, format.value());
    if (!contents.ok()) return contents.error();
    const auto scan = sync::scan_image(*contents.value());
    if (!scan.ok()) return scan.error();
    const auto& [bytes, hash] = scan.value().identity;
    images.push_back({file.role, absolute(file.path), bytes, hash, format.value()});
  }
  return images;
}

world::Endpoint& Recording::endpoint() { return *endpoint_; }

bool Recording::make_safe() {
  if (!log_state_) return false;
  if (!queue_.take(taken_)) return true;
  log_state_ = writer_->write(taken_);
  if (!log_state_) fail();
  return log_state_.ok();
}

void Recording::fail() {
  queue_.release();
  stop_.ask(world::StopReason::trouble);
}

Result<Tick> Recording::checkpoint(bool at_once) {
  const auto start = std::chrono::steady_clock::now();
  const Tick tick = machine_->tick();
  Outcome added = checkpoints_->add(take_snapshot(*machine_, *disks_));
  checkpoint_pause_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (added) queue_.append({tick, sync::MarkEntry{"checkpoint"}});
  if (added && at_once) added = checkpoints_->finish();
  if (settings_.checkpoint_every_ns != 0) next_checkpoint_ = machine_->now().ns + settings_.checkpoint_every_ns;
  if (!added) {
    // The log is what matters: it goes on without checkpoints.
    say(added.error().text);
    next_checkpoint_ = ns_never;
    return added.error();
  }
  return tick;
}

Outcome Recording::finish(const End& end) {
  const Digest digest = machine_->digest();
  // A guest that was ended where it computed without an exit stands at no tick: a replay goes as far as the log does.
  if (log_state_ && make_safe() && end.reason != EndReason::spinning) {
    log_state_ = writer_->write(
        {{machine_->tick(), sync::EndEntry{static_cast<std::uint8_t>(end.reason), end.argument, digest}}});
  }
  const Outcome closed = writer_->close();
  const Outcome checkpoints = checkpoints_->finish();
  if (!log_state_) return log_state_;
  if (!closed) return closed;
  return checkpoints;
}

Recording::Account Recording::account() const {
  Account account;
  account.log_entries = writer_->entries_written();
  account.log_bytes = writer_->bytes_written();
  const auto counters = checkpoints_->counters();
  account.checkpoints = counters.checkpoints;
  account.checkpoint_bytes = counters.bytes_written;
  account.checkpoint_pause_seconds = checkpoint_pause_seconds_;
  return account;
}

}  // namespace lockstitch::app
