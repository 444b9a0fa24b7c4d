// Every row of the instruction table, thousands of times, on the processor and in the interpreter. One test per family.
// LOCKSTITCH_SEED, LOCKSTITCH_CASES (per row), LOCKSTITCH_ROW (part of a row's name), LOCKSTITCH_CASE (one case only),
// LOCKSTITCH_REPORT (a file for the failures), LOCKSTITCH_LIST_EXCLUSIONS.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "tests/differential/comparison.h"
#include "tests/differential/engine_side.h"
#include "tests/differential/exclusions.h"
#include "tests/differential/generator.h"
#include "tests/differential/native.h"
#include "tests/differential/tolerances.h"

namespace lockstitch::differential {
namespace {

constexpr std::uint64_t default_seed = 0x10c5'7175;
constexpr std::uint64_t default_cases = 2500;
constexpr std::uint64_t cases_floor = 1'000'000;

std::uint64_t total_cases = 0;

// A case that never ends would hang the test without a word.
std::uint64_t cases_begun = 0;
char current_case[160] = "none";
void on_alarm(int) {
  static std::uint64_t seen = ~0ull;
  if (seen == cases_begun) {
    (void)!write(2, "this case does not end: ", 24);
    (void)!write(2, current_case, std::strlen(current_case));
    (void)!write(2, "\n", 1);
    _exit(1);
  }
  seen = cases_begun;
}
void watch(unsigned every_s) {
  struct sigaction action {};
  action.sa_handler = on_alarm;
  action.sa_flags = SA_ONSTACK | SA_RESTART;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval interval{{every_s, 0}, {every_s, 0}};
  setitimer(ITIMER_REAL, &interval, nullptr);
}

class Bench {
 public:
  Bench() : pristine_(data_bytes) {
    Random random(1);
    for (auto& byte : pristine_) byte = static_cast<std::uint8_t>(random.next());
  }

  const std::string& trouble() const { return native_.trouble(); }
  void begin() {
    native_.take_signals();
    watch(10);
  }

  Comparison run(const Case& which) {
    prepare(native_.data(), which);
    prepare(engine_.data(), which);
    engine_.data_changed();
    const Outcome native = native_.run(which);
    const Outcome engine = engine_.run(which);
    return compare(which, native, engine, native_.data(), engine_.data());
  }

 private:
  void prepare(std::span<std::uint8_t> memory, const Case& which) {
    std::memcpy(memory.data(), pristine_.data(), data_bytes);
    for (const Patch& patch : which.memory)
      for (std::size_t i = 0; i < patch.bytes.size(); ++i) {
        const std::uint64_t at = patch.at + i - data_base;
        if (at < data_bytes) memory[at] = patch.bytes[i];
      }
  }

  std::vector<std::uint8_t> pristine_;
  Native native_;
  EngineSide engine_;
};

Bench& bench() {
  static Bench instance;
  return instance;
}

std::string describe(const Case& which) {
  std::ostringstream out;
  char byte[8];
  for (const std::uint8_t b : which.bytes) {
    std::snprintf(byte, sizeof byte, "%02x ", b);
    out << byte;
  }
  out << " " << disassemble(which.bytes, which.bits, which.before.rip);
  return out.str();
}

unsigned bits_for(const interp::Row& row, std::uint64_t number) {
  if (row.attrs & interp::attr::not64) return 32;
  if (row.attrs & interp::attr::only64) return 64;
  return number % 4 == 3 ? 32 : 64;
}

struct RowResult {
  std::uint64_t cases = 0, failures = 0;
  std::string first;
};

RowResult run_row(const interp::Row& row, const char* family, std::uint64_t seed, std::uint64_t cases) {
  RowResult result;
  static const bool verbose = number_from_env("LOCKSTITCH_VERBOSE", 0);
  const std::uint64_t only = number_from_env("LOCKSTITCH_CASE", ~0ull);
  // The opcode joins the name: some rows share one.
  const std::uint64_t salt = seed ^ hash_text(row.name) ^ std::uint64_t{row.opcode} << 56;
  for (std::uint64_t number = 0; number < cases; ++number) {
    if (only != ~0ull && number != only) continue;
    Random random(salt + number * 0x1'0000'01b3);
    const auto which = generate(row, bits_for(row, number), random);
    if (!which) continue;
    ++result.cases;
    ++cases_begun;
    std::snprintf(current_case, sizeof current_case, "LOCKSTITCH_SEED=%llu LOCKSTITCH_ROW='%s' LOCKSTITCH_CASE=%llu", (unsigned long long)seed,
                  row.name, (unsigned long long)number);
    if (verbose) std::cerr << row.name << " " << number << ": " << describe(*which) << std::endl;
    const Comparison comparison = bench().run(*which);
    if (comparison.equal) continue;
    if (++result.failures > 1) continue;
    std::ostringstream text;
    text << row.name << "  [" << which->bits << "-bit]  " << describe(*which) << "\n"
         << comparison.report << "  again: LOCKSTITCH_SEED=" << seed << " LOCKSTITCH_ROW='" << row.name << "' LOCKSTITCH_CASE=" << number
         << " differential_test -tc='" << family << "*'\n";
    result.first = text.str();
  }
  return result;
}

void run_family(const char* family, std::span<const interp::Row> rows, std::uint64_t floor) {
  if (!bench().trouble().empty()) {
    MESSAGE("skipped: " << bench().trouble());
    return;
  }
  bench().begin();
  const std::uint64_t seed = number_from_env("LOCKSTITCH_SEED", default_seed);
  const std::uint64_t cases = number_from_env("LOCKSTITCH_CASES", default_cases);
  const char* filter = std::getenv("LOCKSTITCH_ROW");
  const bool whole = !filter && cases >= default_cases;
  std::uint64_t run = 0, failing = 0;
  std::ostringstream table, details;
  for (const interp::Row& row : rows) {
    if (filter && !std::strstr(row.name, filter)) continue;
    const RowResult result = run_row(row, family, seed, cases);
    run += result.cases;
    if (result.failures == 0) continue;
    ++failing;
    table << "  " << result.failures << " of " << result.cases << "  " << row.name << "\n";
    details << result.first;
  }
  total_cases += run;
  watch(0);
  std::ostringstream text;
  text << family << ": " << rows.size() << " rows, " << run << " cases, " << failing << " rows fail\n" << table.str() << details.str();
  if (const char* path = std::getenv("LOCKSTITCH_REPORT")) std::ofstream(path, std::ios::app) << text.str();
  INFO(text.str());
  CHECK(failing == 0);
  if (whole) CHECK(run >= floor);
}

}  // namespace

TEST_CASE("what is left out and what is tolerated is listed with its reason") {
  const bool print = std::getenv("LOCKSTITCH_LIST_EXCLUSIONS");
  const auto entry = [&](const char* kind, const char* what, const char* reason) {
    CHECK(std::strlen(what) > 0);
    CHECK(std::strlen(reason) > 0);
    if (print) std::cout << kind << ": " << what << "\n    " << reason << "\n";
  };
  for (const Exclusion& e : exclusions()) entry("left out", e.what, e.reason);
  for (const Tolerance& t : tolerances()) entry("tolerated", t.what, t.reason);
}

#define LS_FAMILY(name, rows, floor) \
  TEST_CASE(name " instructions do in the engine what they do on the processor") { run_family(name, interp::rows(), floor); }

LS_FAMILY("alu", rows_alu, 150'000)
LS_FAMILY("move", rows_move, 100'000)
LS_FAMILY("shift", rows_shift, 80'000)
LS_FAMILY("multiply", rows_multiply, 20'000)
LS_FAMILY("bits", rows_bits, 15'000)
LS_FAMILY("branch", rows_branch, 60'000)
LS_FAMILY("stack", rows_stack, 25'000)
LS_FAMILY("string", rows_string, 40'000)
LS_FAMILY("io", rows_io, 20'000)
LS_FAMILY("flags", rows_flags, 15'000)
LS_FAMILY("far", rows_far, 5'000)
LS_FAMILY("system", rows_system, 20'000)
LS_FAMILY("x87", rows_x87, 100'000)
LS_FAMILY("mmx", rows_mmx, 100'000)
LS_FAMILY("sse_move", rows_sse_move, 50'000)
LS_FAMILY("sse_float", rows_sse_float, 50'000)
LS_FAMILY("sse_integer", rows_sse_integer, 80'000)
LS_FAMILY("sse4", rows_sse4, 40'000)

TEST_CASE("zz: a whole run is long enough to mean something") {
  if (std::getenv("LOCKSTITCH_ROW") || number_from_env("LOCKSTITCH_CASES", default_cases) < default_cases || !bench().trouble().empty()) return;
  if (total_cases > 0) CHECK(total_cases >= cases_floor);
}

}  // namespace lockstitch::differential
