// See machine_difference.h.
#include "tests/replay/kvm/machine_difference.h"

#include <cstdio>
#include <cstring>

#include "vmm/machine/state_comparer.h"
#include "vmm/machine/state_writer.h"

namespace lockstitch::test {

namespace {

/// Calls `visit` with the address and the two values of every word that differs, until it returns false.
template <class Visit>
void each_difference(app::Board& a, app::Board& b, Visit visit) {
  a.machine().digest();  // brings both memories up to date
  b.machine().digest();
  Memory &left = a.machine().memory(), &right = b.machine().memory();
  for (std::uint64_t page = 0; page < left.pages(); ++page) {
    const Bytes x = left.page_contents(page), y = right.page_contents(page);
    for (std::size_t at = 0; at < page_bytes; at += 8) {
      std::uint64_t p = 0, q = 0;
      std::memcpy(&p, x.data() + at, 8);
      std::memcpy(&q, y.data() + at, 8);
      if (p != q && !visit(left.page_gpa(page) + at, p, q)) return;
    }
  }
}

}  // namespace

std::string difference(app::Board& a, app::Board& b, std::size_t words_max) {
  std::string text;
  const auto field = first_difference(a.machine().tick(), save_state(a.machine()), save_state(b.machine()));
  if (field) text += field->component + ": " + field->expected + ", " + field->got + "\n";
  const std::uint64_t ignored = app::digest_ignored_bits(TickUnit::exit);
  std::size_t words = 0;
  each_difference(a, b, [&](Gpa at, std::uint64_t p, std::uint64_t q) {
    if (((p ^ q) & ~ignored) == 0) return true;
    if (++words > words_max) {
      text += "and more\n";
      return false;
    }
    char line[80];
    std::snprintf(line, sizeof line, "memory %llx: %016llx, %016llx\n", static_cast<unsigned long long>(at),
                  static_cast<unsigned long long>(p), static_cast<unsigned long long>(q));
    text += line;
    return true;
  });
  return text;
}

std::size_t ignored_differences(app::Board& a, app::Board& b) {
  std::size_t words = 0;
  each_difference(a, b, [&](Gpa, std::uint64_t, std::uint64_t) {
    ++words;
    return true;
  });
  return words;
}

}  // namespace lockstitch::test
