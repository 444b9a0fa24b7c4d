// Looks for an image of a trace by its hash in the places where it may be. TraceFolder::find_image is for everybody
// else.
#pragma once
#include <string>
#include <vector>

#include "lockstitch/result.h"
#include "sync/log/header.h"
#include "sync/trace/image.h"
#include "sync/trace/trace_folder.h"

namespace lockstitch::sync {

struct FoundImage {
  std::string path;
  std::string format;  ///< of this file; a copy in a trace is raw
  ImageScan scan;
};

/// As TraceFolder::find_image, with what was seen on the way.
Result<FoundImage> search_image(const TraceFolder& folder, const ImageReference& image,
                                const std::vector<std::string>& search);

}  // namespace lockstitch::sync
