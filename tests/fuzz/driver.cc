// Runs one fuzz target on seeded random inputs, or on the files given. Not a fuzzing engine: no coverage, no shrinking;
// the same target can be linked with libFuzzer instead of this file.
//   target [--runs N] [--seed S] [--length BYTES] [file ...]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {
std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
  return z ^ (z >> 31);
}
}  // namespace

int main(int count, char** words) {
  const char* from_environment = std::getenv("LOCKSTITCH_SEED");
  std::uint64_t seed = from_environment != nullptr ? std::strtoull(from_environment, nullptr, 0) : 1;
  std::uint64_t runs = 1000, length = 4096;
  bool files = false;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word.starts_with("--") && i + 1 < count) {
      const std::uint64_t value = std::strtoull(words[++i], nullptr, 0);
      if (word == "--runs")
        runs = value;
      else if (word == "--seed")
        seed = value;
      else if (word == "--length")
        length = value;
      else
        return std::fprintf(stderr, "unknown option %s\n", word.c_str()), 64;
      continue;
    }
    std::ifstream in(word, std::ios::binary);
    if (!in) return std::fprintf(stderr, "cannot read %s\n", word.c_str()), 66;
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    files = true;
  }
  if (files) return 0;
  for (std::uint64_t run = 0; run < runs; ++run) {
    // Printed before the run, so that the last line names the input that crashed: --runs 1 --seed THAT repeats it.
    const std::uint64_t this_seed = seed + run;
    std::printf("seed %llu\n", static_cast<unsigned long long>(this_seed));
    std::fflush(stdout);
    std::uint64_t counter = mix(this_seed + 0x9e37'79b9'7f4a'7c15);
    std::vector<std::uint8_t> bytes(length == 0 ? 0 : mix(counter) % length + 1);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(mix(counter += 0x9e37'79b9'7f4a'7c15));
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  return 0;
}
