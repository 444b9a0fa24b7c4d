// See image_pieces.h.
#include "vmm/app/image_pieces.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "sync/trace/image_hash.h"
#include "vmm/world/image_file.h"
#include "vmm/world/image_format.h"
#include "vmm/world/nbd_connection.h"

namespace lockstitch::app {

namespace {

class NbdPieces final : public sync::PieceSource {
 public:
  NbdPieces(world::ImageFile file, std::unique_ptr<world::NbdConnection> connection)
      : file_(std::move(file)), connection_(std::move(connection)), buffer_(sync::image_piece_bytes) {}

  std::uint64_t bytes() const override { return connection_->bytes(); }

  Result<sync::Piece> next() override {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), bytes() - position_));
    if (wanted == 0) return sync::Piece{};
    const std::uint64_t offset = position_;
    position_ += wanted;
    const MutableBytes piece = MutableBytes(buffer_).first(wanted);
    if (wanted == buffer_.size()) {
      const auto zeros = connection_->known_zeros(offset, wanted);
      if (!zeros.ok()) return zeros.error();
      if (zeros.value()) {
        if (!all_zeros_) std::fill(piece.begin(), piece.end(), std::uint8_t{0});
        all_zeros_ = true;
        return sync::Piece{piece, true};
      }
    }
    all_zeros_ = false;
    if (const Outcome read = connection_->read(offset, piece); !read) return read.error();
    return sync::Piece{piece, false};
  }

 private:
  world::ImageFile file_;  ///< for its lock
  std::unique_ptr<world::NbdConnection> connection_;
  std::vector<std::uint8_t> buffer_;
  bool all_zeros_ = true;
  std::uint64_t position_ = 0;
};

}  // namespace

Result<std::unique_ptr<sync::PieceSource>> open_image_pieces(const std::string& path, const std::string& format) {
  const auto known = world::format_named(format);
  if (!known || *known == world::ImageFormat::raw) {
    return Error{ExitCode::unavailable,
                 fmt::format("The image '{}' has the format '{}', which this version does not read.", path, format)};
  }
  auto file = world::open_image_file(path, world::BlockMode::read_only);
  if (!file.ok()) return file.error();
  const auto chosen = world::choose_format(file.value(), path, known);
  if (!chosen.ok()) return chosen.error();
  if (const Outcome locked = world::lock_image_file(file.value(), path, world::BlockMode::read_only); !locked)
    return locked.error();
  auto connection = world::NbdConnection::open({path, *known, true});
  if (!connection.ok()) return connection.error();
  return std::unique_ptr<sync::PieceSource>(
      std::make_unique<NbdPieces>(std::move(file).value(), std::move(connection).value()));
}

}  // namespace lockstitch::app
