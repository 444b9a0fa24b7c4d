// Reads the interpreter's machine code: a handler that calls the next op instead of jumping to it nests, and a long enough run
// of such ops overflows the fiber's stack. Op::fn of the next op lies 20h behind an op, of a block's first op 30h behind the
// block; the compiler may also load it into a register first.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

struct Nesting {
  std::vector<std::string> handlers;
  unsigned jumps = 0;
};

// Indirect calls and jumps of that kind, in functions whose parameters are those of a handler.
Nesting read_listing(FILE* listing) {
  Nesting found;
  std::string function;
  char line[4096];
  while (std::fgets(line, sizeof line, listing)) {
    const std::string text = line;
    if (text.find(">:") != std::string::npos) function = text.substr(0, text.find(">:"));
    const bool handler = function.find("interp::Cpu&, lockstitch::interp::Op const*)") != std::string::npos;
    if (!handler) continue;
    const bool slot = text.find("*0x20(") != std::string::npos || text.find("*0x30(") != std::string::npos ||
                      text.find("*%r") != std::string::npos;
    if (!slot) continue;
    // Calls through (%rax) are virtual calls of the memory interface.
    if (text.find("call") != std::string::npos && text.find("(%rax)") == std::string::npos) found.handlers.push_back(function);
    if (text.find("jmp") != std::string::npos) ++found.jumps;
  }
  return found;
}

}  // namespace

TEST_CASE("no instruction handler nests: every way on to the next op is a jump") {
#ifndef __OPTIMIZE__
  return;
#endif
  FILE* listing = popen("objdump -d --no-show-raw-insn -C " LOCKSTITCH_INTERP_LIBRARY " 2>&1", "r");
  REQUIRE(listing != nullptr);
  const Nesting found = read_listing(listing);
  REQUIRE(pclose(listing) == 0);
  CHECK(found.jumps > 1000);  // else the listing is not what this test thinks it is
  for (const auto& handler : found.handlers)
    FAIL_CHECK(handler << " nests: it gives away the address of a local, so it must end with LS_RETURN or LS_LEAVE");
}

TEST_CASE("a nested call in a listing is found") {
  FILE* listing = tmpfile();
  REQUIRE(listing != nullptr);
  std::fputs("0000 <lockstitch::interp::bad(lockstitch::interp::Cpu&, lockstitch::interp::Op const*)>:\n  10:\tcall   *0x20(%rbp)\n", listing);
  std::rewind(listing);
  CHECK(read_listing(listing).handlers.size() == 1);
  std::fclose(listing);
}
