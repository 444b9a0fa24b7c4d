// See standing_file.h. Four lines: a title, the pair, term and right, and the XXH3-64 of the three before it.
#include "sync/peer/standing_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

namespace lockstitch::sync {
namespace {

constexpr std::array right_names{"fresh", "led", "followed", "outdated"};
constexpr const char* title = "lockstitch standing 1";

std::string text_of(const std::string& pair, const Standing& standing) {
  const std::string body =
      fmt::format("{}\n{}\n{} {}\n", title, pair, standing.term, right_names[static_cast<std::size_t>(standing.right)]);
  const auto sum = static_cast<std::uint64_t>(XXH3_64bits(body.data(), body.size()));
  return body + fmt::format("xxh3 {:016x}\n", sum);
}

}  // namespace

Result<StandingFile> StandingFile::open(const std::string& folder, const std::string& pair) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const auto no = [&](const std::string& why) {
    return Error{ExitCode::unavailable, "the state folder '" + folder + "' " + why};
  };
  StandingFile file;
  file.path_ = folder + "/standing";
  file.pair_ = pair;
  file.lock_ = FileHandle(::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.lock_) return no(std::string("cannot be used (") + std::strerror(errno) + "); choose another by --state");
  if (::flock(file.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    return no("is in use by another process; end that one, or choose another folder by --state");
  }
  if (!std::filesystem::exists(file.path_)) return file;

  auto bytes = read_file_whole(file.path_, 4096, "The replica's standing");
  if (!bytes.ok()) return bytes.error();
  const std::string whole(bytes.value().begin(), bytes.value().end());
  std::istringstream text(whole);
  std::string first, of_pair, right;
  std::getline(text, first);
  std::getline(text, of_pair);
  text >> file.standing_.term >> right;
  const auto known = std::find(right_names.begin(), right_names.end(), right);
  if (known != right_names.end()) file.standing_.right = static_cast<Right>(known - right_names.begin());
  if (whole != text_of(of_pair, file.standing_)) {
    return Error{ExitCode::bad_input, "'" + file.path_ +
                                          "' is damaged: what this replica was is not known any more; if " +
                                          "its disks may be thrown away, delete the file and start it as a standby"};
  }
  if (of_pair != pair) {
    return Error{ExitCode::bad_input, "'" + file.path_ + "' is of the pair '" + of_pair + "', not of '" + pair +
                                          "'; choose another folder by --state"};
  }
  return file;
}

Outcome StandingFile::write(const Standing& standing) {
  standing_ = standing;
  const std::string text = text_of(pair_, standing);
  return write_file_whole(path_, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                          "The replica's standing");
}

}  // namespace lockstitch::sync
