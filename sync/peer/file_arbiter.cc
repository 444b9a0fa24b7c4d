// See file_arbiter.h.
#include "sync/peer/file_arbiter.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>

#include "sync/peer/durable_file.h"
#include "sync/peer/member_name.h"
#include "sync/peer/record_text.h"

namespace lockstitch::sync {

/// A question on its way. Exactly one side ends `open`: the side thread before it does what cannot be undone, or the
/// event loop when it has waited long enough.
struct FileArbiter::Job {
  enum class Phase : std::uint8_t { open, deciding, abandoned };
  std::atomic<Phase> phase{Phase::open};

  bool enter(Phase next) {
    Phase expected = Phase::open;
    return phase.compare_exchange_strong(expected, next);
  }
};

class FileArbiter::Storage {
 public:
  Storage(std::string path, std::string pair) : path_(std::move(path)), pair_(std::move(pair)) {}

  void approach(Step step) const {
    if (obstacle) obstacle(step);
  }
  std::function<void(Step)> obstacle;

  ClaimAnswer claim(Job& job, Term expected, const std::string& holder) {
    const ArbiterRecord wanted{expected + 1, holder};
    const Draft draft(path_, record_text(pair_, wanted));
    if (!draft.made()) return unwritable();
    auto latest = look();
    if (!latest.ok()) return {Claim::unreachable, {}, latest.error().text};
    if (latest.value().term == expected) {
      if (!job.enter(Job::Phase::deciding)) return {Claim::unreachable, {}, "abandoned"};
      approach(Step::link);
      if (::link(draft.path().c_str(), term_path(wanted.term).c_str()) != 0 && errno != EEXIST) return not_linked();
      // EEXIST may even be our own: a network file system repeats a request whose answer was lost.
      latest = look();
      if (!latest.ok()) return {Claim::unknown, {}, latest.error().text};
      if (latest.value().term <= expected) return {Claim::unknown, {}, "the storage does not show what was written"};
    }
    if (latest.value() != wanted) return {Claim::denied, latest.value(), ""};
    // Found or made: only now is it certain to stay.
    if (!flush_folder(folder_of(path_))) {
      return {Claim::unknown, {}, fmt::format("'{}' cannot be made durable ({})", path_, std::strerror(errno))};
    }
    return {Claim::granted, wanted, ""};
  }

  ClaimAnswer read() {
    const Draft draft(path_, "");
    if (!draft.made()) return unwritable();
    const auto latest = look();
    if (!latest.ok()) return {Claim::unreachable, {}, latest.error().text};
    return {Claim::denied, latest.value(), ""};
  }

 private:
  /// A file under a name of its own, removed at the end. Making it also has a network file system ask its server
  /// whether the folder has changed, before it is looked into.
  class Draft {
   public:
    Draft(const std::string& path, const std::string& text) : path_(path + ".new-" + fresh_suffix()) {
      made_ = write_new_file(path_, text, 0666);
    }
    ~Draft() {
      if (made_) ::unlink(path_.c_str());
    }
    Draft(const Draft&) = delete;
    Draft& operator=(const Draft&) = delete;
    bool made() const { return made_; }
    const std::string& path() const { return path_; }

   private:
    const std::string path_;
    bool made_ = false;
  };

  std::string term_path(Term term) const { return fmt::format("{}.term-{}", path_, term); }

  /// The record of a term that is there. Nothing: it is not.
  Result<std::optional<ArbiterRecord>> load(Term term) const {
    bool missing = false;
    auto record = read_record_file(term_path(term), pair_, missing);
    if (!record.ok()) return record.error();
    if (missing) return std::optional<ArbiterRecord>();
    if (record.value().term != term) {
      return Error{ExitCode::bad_input, fmt::format("'{}' holds another term than its name says; somebody has renamed "
                                                    "it, and this arbiter cannot be used any more.",
                                                    term_path(term))};
    }
    return std::optional(std::move(record).value());
  }

  /// The highest term that is there: no term is without its predecessors.
  Result<ArbiterRecord> look() {
    Term missing = 0;  // 0: not found yet
    for (Term step = 1; missing != known_.term + 1;) {
      const Term tried = missing == 0 ? known_.term + step : known_.term + (missing - known_.term) / 2;
      auto record = load(tried);
      if (!record.ok()) return record.error();
      if (record.value()) {
        known_ = *record.value();
        step *= 2;
      } else {
        missing = tried;
      }
    }
    return known_;
  }

  ClaimAnswer unwritable() const {
    return {
        Claim::unreachable, {}, fmt::format("nothing can be written beside '{}' ({})", path_, std::strerror(errno))};
  }

  ClaimAnswer not_linked() const {
    const int why = errno;
    const bool refused = why == EPERM || why == EOPNOTSUPP || why == EACCES || why == EROFS || why == ENOSPC ||
                         why == EDQUOT || why == ENOENT || why == EMLINK || why == ENOSYS;
    return {refused ? Claim::unreachable : Claim::unknown,
            {},
            fmt::format("'{}' cannot be raised by a hard link ({})", path_, std::strerror(why))};
  }

  const std::string path_, pair_;
  ArbiterRecord known_;
};

FileArbiter::FileArbiter(std::string path, std::string pair, kj::Timer& timer)
    : name_("file:" + path), timer_(timer), storage_(std::make_shared<Storage>(std::move(path), std::move(pair))) {}

void FileArbiter::set_obstacle(std::function<void(Step)> obstacle) { storage_->obstacle = std::move(obstacle); }

kj::Promise<ClaimAnswer> FileArbiter::claim(Term expected, const std::string& holder) {
  if (!is_member_name(holder)) {
    return ClaimAnswer{Claim::unreachable, {}, fmt::format("'{}' is no name for a replica", holder)};
  }
  return ask([expected, holder](Storage& storage, Job& job) { return storage.claim(job, expected, holder); });
}

kj::Promise<ClaimAnswer> FileArbiter::read() {
  return ask([](Storage& storage, Job&) { return storage.read(); });
}

kj::Promise<ClaimAnswer> FileArbiter::ask(std::function<ClaimAnswer(Storage&, Job&)> question) {
  auto job = std::make_shared<Job>();
  auto answer = kj::newPromiseAndCrossThreadFulfiller<kj::Own<ClaimAnswer>>();
  using Fulfiller = kj::Own<kj::CrossThreadPromiseFulfiller<kj::Own<ClaimAnswer>>>;
  // std::function must be copyable.
  auto fulfiller = std::make_shared<Fulfiller>(kj::mv(answer.fulfiller));
  thread_.run([job, fulfiller, storage = storage_, question = std::move(question)] {
    storage->approach(Step::begin);
    if (job->phase != Job::Phase::abandoned) (*fulfiller)->fulfill(kj::heap(question(*storage, *job)));
  });
  auto too_late = timer_.afterDelay(timeout_ms * kj::MILLISECONDS).then([this, job]() -> ClaimAnswer {
    const bool unseen = job->enter(Job::Phase::abandoned);
    return {unseen ? Claim::unreachable : Claim::unknown,
            {},
            fmt::format("'{}' does not answer within {} ms", name_, timeout_ms)};
  });
  auto in_time = answer.promise.then([](kj::Own<ClaimAnswer>&& told) { return kj::mv(*told); });
  return in_time.exclusiveJoin(kj::mv(too_late)).catch_([this](kj::Exception&& exception) -> ClaimAnswer {
    return {Claim::unknown, {}, fmt::format("'{}': {}", name_, exception.getDescription().cStr())};
  });
}

}  // namespace lockstitch::sync
