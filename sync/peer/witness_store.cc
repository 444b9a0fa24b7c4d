// See witness_store.h.
#include "sync/peer/witness_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "sync/peer/durable_file.h"
#include "sync/peer/member_name.h"
#include "sync/peer/record_text.h"

namespace lockstitch::sync {
namespace {

constexpr std::string_view ending = ".term";
/// Between a record's file name and the suffix of its successor while that is written.
constexpr std::string_view draft_mark = ".term.new-";

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

Error unusable(const std::string& path) {
  return {ExitCode::unavailable, fmt::format("The witness cannot keep its records in '{}' ({}); name a folder it may "
                                             "write to.",
                                             path, std::strerror(errno))};
}

Result<std::vector<std::string>> names_in(const std::string& path) {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (!folder) return unusable(path);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry != nullptr) {
      names.emplace_back(entry->d_name);
    } else if (errno != 0) {
      return unusable(path);
    } else {
      return names;
    }
  }
}

}  // namespace

Result<WitnessStore> WitnessStore::open(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) {
    if (!flush_folder(folder_of(folder))) return unusable(folder);
  } else if (errno != EEXIST) {
    return unusable(folder);
  }
  FileHandle lock(::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return unusable(folder);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return unusable(folder);
    return Error{ExitCode::unavailable,
                 fmt::format("Another witness uses the folder '{}'; end it, or name another folder.", folder)};
  }
  WitnessStore store(folder, std::move(lock));
  if (Outcome loaded = store.load(); !loaded.ok()) return loaded.error();
  return store;
}

Outcome WitnessStore::load() {
  const auto names = names_in(folder_);
  if (!names.ok()) return names.error();
  for (const std::string& name : names.value()) {
    // Its writer did not live to put it in place.
    if (name.find(draft_mark) != std::string::npos) {
      ::unlink((folder_ + "/" + name).c_str());
      continue;
    }
    if (!name.ends_with(ending)) continue;
    const std::string pair = name.substr(0, name.size() - ending.size());
    bool missing = false;
    auto record = read_record_file(path_of(pair), pair, missing);
    if (!record.ok()) return record.error();
    if (!missing) records_[pair] = std::move(record).value();
  }
  // What is read here may have been put in place by a witness that ended before it had made that durable.
  return flush_folder(folder_) ? success() : unusable(folder_);
}

ArbiterRecord WitnessStore::read(const std::string& pair) const {
  const auto found = records_.find(pair);
  return found == records_.end() ? ArbiterRecord{} : found->second;
}

Result<WitnessStore::Raised> WitnessStore::raise(const std::string& pair, Term expected, const std::string& holder) {
  const auto refused = [](std::string why) { return Raised{Claim::unreachable, {}, std::move(why), false}; };
  const auto lost = [&] {
    failed_ = true;
    return Error{ExitCode::world, fmt::format("The witness cannot say what is in '{}' any more ({}); see to the disk, "
                                              "then start it again.",
                                              path_of(pair), std::strerror(errno))};
  };
  if (failed_) return refused("the witness has lost its disk");
  const ArbiterRecord present = read(pair);
  const ArbiterRecord wanted{expected + 1, holder};
  if (present == wanted) return Raised{Claim::granted, present, "", false};
  if (present.term != expected) return Raised{Claim::denied, present, "", false};
  if (!is_member_name(pair) || !is_member_name(holder)) return refused("a bad name");
  if (expected + 1 == 0) return refused("there is no higher term");
  if (records_.size() >= max_pairs && !records_.contains(pair)) return refused("the witness serves too many pairs");

  const std::string draft = folder_ + "/" + pair + std::string(draft_mark) + fresh_suffix();
  if (!write_new_file(draft, record_text(pair, wanted), 0600)) {
    return refused(fmt::format("the witness cannot write ({})", std::strerror(errno)));
  }
  // Failed or not: over some file systems nobody can tell.
  if (std::rename(draft.c_str(), path_of(pair).c_str()) != 0) return lost();
  if (!flush_folder(folder_)) return lost();
  records_[pair] = wanted;
  return Raised{Claim::granted, wanted, "", true};
}

}  // namespace lockstitch::sync
