// See tolerances.h.
#include "tests/differential/tolerances.h"

#include <algorithm>
#include <string_view>

#include "lockstitch/types.h"

namespace lockstitch::differential {
namespace {

using namespace interp;

constexpr unsigned br = 5, ss = 12, gp = 13, pf = 14, ac = 17, xm = 19;
constexpr std::uint32_t precision = 0x20, overflow_mask = 0x400, underflow_mask = 0x800;

std::string_view name(const Case& c) { return c.row->name; }
bool starts(const Case& c, std::string_view text) { return name(c).substr(0, text.size()) == text; }
bool has(const Case& c, std::string_view text) { return name(c).find(text) != std::string_view::npos; }

/// Faults of a memory operand.
bool operand_fault(const Outcome& o) { return o.exception && (o.vector == ss || o.vector == gp || o.vector == pf || o.vector == ac); }

void same_end(const Outcome& from, Outcome& to) {
  to.exception = from.exception;
  to.vector = from.vector;
  to.error_code = from.error_code;
  to.fault_address = from.fault_address;
}
void same_x87(const Registers& from, Registers& to) {
  to.fpu_control = from.fpu_control;
  to.fpu_status = from.fpu_status;
  to.fpu_tag = from.fpu_tag;
  to.st = from.st;
}

const Tolerance list[] = {
    {"memory after FSTP m80 or FBSTP across a page end faulted", "which part of a split store is visible before its fault is not specified",
     [](const Case& c, Outcome& n, Outcome& e) {
       if ((name(c) == "fstp Mt" || name(c) == "fbstp Mt") && operand_fault(n) && operand_fault(e)) n.memory_counts = false;
     }},
    {"the P bit of a page fault's error code in the kernel's half", "Linux sets it whatever is mapped there",
     [](const Case&, Outcome& n, Outcome& e) {
       for (Outcome* o : {&n, &e})
         if (o->vector == pf && o->fault_address >> 63) o->error_code &= ~1u;
     }},
    {"null selectors 1 to 3", "the return to user mode makes them 0 before the test can look",
     [](const Case&, Outcome& n, Outcome& e) {
       for (Outcome* o : {&n, &e})
         for (auto& s : o->after.selector)
           if (s < 4) s = 0;
     }},
    {"upper halves of registers after a far transfer to 32-bit code", "undefined while 32-bit code runs",
     [](const Case&, Outcome& n, Outcome& e) {
       if (n.after.selector[1] != user_code32) return;
       for (Outcome* o : {&n, &e})
         for (auto& value : o->after.gpr) value &= 0xffff'ffff;
     }},
    {"which fault CMPS, PUSHA, CALL, RETF, IRET and BOUND report when several accesses would fault", "the SDM gives no order",
     [](const Case& c, Outcome& n, Outcome& e) {
       if (!has(c, "cmps") && !starts(c, "pusha") && !starts(c, "call") && !starts(c, "bound") && !starts(c, "retf") &&
           !starts(c, "iret"))
         return;
       const auto candidate = [&](const Outcome& o) { return operand_fault(o) || (o.exception && o.vector == br); };
       if (candidate(n) && candidate(e) && n.after.rip == e.after.rip) same_end(n, e);
       // CALL to a non-canonical target: Intel has pushed before it looks, against the SDM; RSP is as before.
       if (starts(c, "call") && n.exception && n.vector == gp) n.memory_counts = false;
     }},
    {"status flags after a fault in a REP CMPS or SCAS whose earlier part has retired",
     "the processor gives those from before the instruction; here the earlier part is a tick of its own with its own flags",
     [](const Case& c, Outcome& n, Outcome& e) {
       if ((has(c, "cmps") || has(c, "scas")) && operand_fault(n) && n.after.gpr[1] != c.before.gpr[1])
         e.after.rflags = (e.after.rflags & ~flag::status) | (n.after.rflags & flag::status);
     }},
    {"upper halves of RSI and RDI after a REP with address size 32 that did nothing, for ECX 0 or a fault",
     "not documented; Intel clears them, the engine leaves them",
     [](const Case& c, Outcome& n, Outcome& e) {
       const bool string = has(c, "movs") || has(c, "stos") || has(c, "lods") || has(c, "cmps") || has(c, "scas");
       if (c.bits != 64 || !string || std::count(c.bytes.begin(), c.bytes.end(), 0x67) == 0) return;
       for (const unsigned i : {6u, 7u})
         if (n.after.gpr[i] == (c.before.gpr[i] & 0xffff'ffff)) e.after.gpr[i] &= 0xffff'ffff;
     }},
    {"bits 19:16 of what LAR gives", "undefined in the SDM; the engine gives 0",
     [](const Case& c, Outcome& n, Outcome& e) {
       if (!starts(c, "lar")) return;
       for (unsigned i = 0; i < 16; ++i)
         if (((n.after.gpr[i] ^ e.after.gpr[i]) & ~0xf'0000ull) == 0) e.after.gpr[i] = n.after.gpr[i];
     }},
    {"faults of bytes that MASKMOVQ and MASKMOVDQU do not write, and their alignment check", "the SDM leaves them to the processor",
     [](const Case& c, Outcome& n, Outcome& e) {
       if (!starts(c, "maskmov")) return;
       if (n.vector == pf && e.vector == pf && ((n.fault_address ^ e.fault_address) & ~page_mask) == 0) e.fault_address = n.fault_address;
       if (operand_fault(n) && n.after.rip == c.before.rip && (e.after.rip != c.before.rip || n.vector == ac)) {
         e = n;
         n.memory_counts = false;
       }
     }},
    {"PE after an unmasked overflow or underflow",
     "the engine computes with masked exceptions, which count the loss of a denormal or infinite result as inexact",
     [](const Case& c, Outcome& n, Outcome& e) {
       const std::uint32_t unmasked = ~c.before.mxcsr & (overflow_mask | underflow_mask);
       if (n.exception && n.vector == xm && unmasked) n.after.mxcsr |= precision, e.after.mxcsr |= precision;
     }},
    {"an x87 store with an unmasked exception and an operand that faults",
     "the processor does not touch the operand and retires with the exception pending; the engine checks the operand first",
     [](const Case& c, Outcome& n, Outcome& e) {
       const bool store = starts(c, "fst") || starts(c, "fist") || starts(c, "fbstp");
       if (store && n.after.rip != c.before.rip && operand_fault(e) && (n.after.fpu_status & 0x80)) e = n;
     }},
    {"registers that POPA has loaded before it faults", "some processors keep them; the restarted instruction loads them again",
     [](const Case& c, Outcome& n, Outcome& e) {
       if (starts(c, "popa") && n.exception) e.after.gpr = n.after.gpr;
     }},
    {"the x87 registers after an MMX instruction that faults",
     "some processors have already made them MMX registers; the restarted instruction does it anyway",
     [](const Case& c, Outcome& n, Outcome& e) {
       if ((c.row->attrs & attr::mmx) && operand_fault(n)) same_x87(n.after, e.after);
     }},
};

}  // namespace

std::span<const Tolerance> tolerances() { return list; }

}  // namespace lockstitch::differential
