// The contents of the disk in an image of another format than raw, as a trace hashes, compares and packs them: those
// that the guest sees, whatever the file around them.
#pragma once
#include <memory>
#include <string>

#include "lockstitch/result.h"
#include "sync/trace/piece_source.h"

namespace lockstitch::app {

/// A sync::OpenFormat. `format`: one of world::format_names(). Fails: as world::choose_format and
/// world::NbdConnection::open.
Result<std::unique_ptr<sync::PieceSource>> open_image_pieces(const std::string& path, const std::string& format);

}  // namespace lockstitch::app
