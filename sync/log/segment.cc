// See segment.h.
#include "sync/log/segment.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "sync/log/file_bytes.h"

namespace lockstitch::sync {
namespace {

constexpr int compression_level = 3;
constexpr std::uint32_t skippable_magic = 0x184d'2a50;  // RFC 8878 3.1.2
constexpr std::size_t preamble_bytes = 36;

void put(std::uint8_t* at, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint64_t get(const std::uint8_t* at, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{at[i]} << (8 * i);
  return value;
}

std::array<std::uint8_t, preamble_bytes> preamble_of(Bytes rest) {
  std::array<std::uint8_t, preamble_bytes> preamble;
  put(&preamble[0], skippable_magic, 4);
  put(&preamble[4], preamble_bytes - 8, 4);
  std::copy_n("LSSG", 4, &preamble[8]);
  put(&preamble[12], rest.size(), 8);
  put(&preamble[20], XXH3_64bits(rest.data(), rest.size()), 8);
  put(&preamble[28], XXH3_64bits(&preamble[8], 20), 8);
  return preamble;
}

bool is_preamble(Bytes bytes) {
  return get(&bytes[0], 4) == skippable_magic && get(&bytes[4], 4) == preamble_bytes - 8 &&
         get(&bytes[28], 8) == XXH3_64bits(&bytes[8], 20);
}

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// Decompresses as far as it goes. False: not zstd, or too long.
bool decompress(Bytes from, std::vector<std::uint8_t>& to, bool& complete) {
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  ZSTD_inBuffer in{from.data(), from.size(), 0};
  complete = false;
  for (;;) {
    const std::size_t before = to.size();
    to.resize(before + ZSTD_DStreamOutSize());
    ZSTD_outBuffer out{to.data() + before, to.size() - before, 0};
    const std::size_t consumed = in.pos;
    const std::size_t hint = ZSTD_decompressStream(context.get(), &out, &in);
    to.resize(before + out.pos);
    if (ZSTD_isError(hint) || to.size() > segment_max_bytes) return false;
    if (hint == 0) {
      complete = in.pos == in.size;
      return complete;
    }
    if (out.pos == 0 && in.pos == consumed) return true;  // it wants more than there is
  }
}

Error damaged(const std::string& path, std::string_view what) {
  return {ExitCode::bad_input,
          fmt::format("The log segment '{}' is damaged: {}; copy the trace again, or replay up to the part before it "
                      "with --to.",
                      path, what)};
}

Result<SegmentContents> read_sealed(const std::string& path) {
  auto bytes = read_file_whole(path, segment_max_bytes, "The log segment");
  if (!bytes.ok()) return bytes.error();
  const Bytes file = bytes.value();
  SegmentContents contents;
  contents.sealed = true;
  contents.cut = true;
  if (file.size() < preamble_bytes) return contents;
  if (!is_preamble(file)) return damaged(path, "its first bytes do not fit their checksum");
  const std::uint64_t length = get(&file[12], 8);
  const Bytes rest = file.subspan(preamble_bytes);
  if (rest.size() > length) return damaged(path, "it is longer than it was");
  contents.cut = rest.size() < length;
  if (!contents.cut && XXH3_64bits(rest.data(), rest.size()) != get(&file[20], 8)) {
    return damaged(path, "its contents do not fit their checksum");
  }
  bool complete = false;
  if (!decompress(rest, contents.frames, complete) || complete == contents.cut) {
    return damaged(path, "it cannot be decompressed");
  }
  return contents;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

SegmentNames segment_names(const std::string& folder, std::uint64_t number) {
  const std::string base = fmt::format("{}/{:06}", folder, number);
  return {base + ".open", base + ".zst"};
}

Outcome seal_segment(const std::string& folder, std::uint64_t number) {
  const SegmentNames names = segment_names(folder, number);
  auto frames = read_file_whole(names.open, segment_max_bytes, "The log segment");
  if (!frames.ok()) return frames.error();
  std::vector<std::uint8_t> sealed(preamble_bytes + ZSTD_compressBound(frames.value().size()));
  const std::size_t length = ZSTD_compress(sealed.data() + preamble_bytes, sealed.size() - preamble_bytes,
                                           frames.value().data(), frames.value().size(), compression_level);
  LS_ASSERT(!ZSTD_isError(length));
  sealed.resize(preamble_bytes + length);
  const auto preamble = preamble_of(Bytes(sealed).subspan(preamble_bytes));
  std::copy(preamble.begin(), preamble.end(), sealed.begin());
  if (const Outcome written = write_file_whole(names.sealed, sealed, "The log segment"); !written) return written;
  ::unlink(names.open.c_str());
  return success();
}

Result<SegmentContents> read_segment(const std::string& folder, std::uint64_t number) {
  const SegmentNames names = segment_names(folder, number);
  if (exists(names.sealed)) return read_sealed(names.sealed);
  auto frames = read_file_whole(names.open, segment_max_bytes, "The log segment");
  if (!frames.ok()) {
    // A recorder that is running may just have sealed it.
    if (exists(names.sealed)) return read_sealed(names.sealed);
    return frames.error();
  }
  SegmentContents contents;
  contents.frames = std::move(frames).value();
  return contents;
}

Result<std::vector<std::uint64_t>> list_segments(const std::string& folder) {
  DIR* handle = ::opendir(folder.c_str());
  if (handle == nullptr) {
    return Error{ExitCode::missing_input,
                 fmt::format("The log's folder '{}' cannot be read ({}); name a trace.", folder, std::strerror(errno))};
  }
  std::vector<std::uint64_t> numbers;
  while (const dirent* file = ::readdir(handle)) {
    const std::string name = file->d_name;
    if (name.size() < 10 || name.find_first_not_of("0123456789") != 6) continue;
    const std::string ending = name.substr(6);
    if (ending == ".open" || ending == ".zst") numbers.push_back(std::stoull(name.substr(0, 6)));
  }
  ::closedir(handle);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace lockstitch::sync
