// See stub.h. Here: the conversation, moves, registers, memory, breakpoints. Queries are in query.cc.
#include "vmm/gdb/stub.h"

#include <fmt/format.h>

#include <algorithm>

namespace lockstitch::gdb {
namespace {

constexpr std::uint64_t most_bytes = packet_max_bytes / 2 - 8;

MutableBytes bytes_of(std::string& text) { return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}; }
Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

Stub::Stub(Target& target, Wire& wire) : target_(target), wire_(wire), described_(code_mode(target.cpu())) {}

Stub::Ended Stub::serve() {
  while (!ended_) {
    switch (reader_.next()) {
      case PacketReader::What::nothing:
        if (const auto bytes = wire_.read()) {
          reader_.add(*bytes);
        } else {
          ended_ = Ended::gone;
        }
        break;
      case PacketReader::What::packet: {
        if (acknowledges_ && !wire_.write("+")) ended_ = Ended::gone;
        const std::string packet = reader_.contents();
        handle(packet);
        break;
      }
      case PacketReader::What::damaged:
        if (acknowledges_) {
          if (!wire_.write("-")) ended_ = Ended::gone;
        } else {
          fail("a packet is too long");
        }
        break;
      case PacketReader::What::nak:
        if (!last_sent_.empty() && !wire_.write(last_sent_)) ended_ = Ended::gone;
        break;
      case PacketReader::What::ack:
      case PacketReader::What::interrupt:  // it stands still already
        break;
    }
  }
  target_.detached();
  return *ended_;
}

void Stub::answer(std::string_view contents) {
  last_sent_ = framed(contents);
  if (!wire_.write(last_sent_)) ended_ = Ended::gone;
}

void Stub::fail(std::string_view why) { answer(errors_have_text_ ? fmt::format("E.{}", why) : std::string("E01")); }

/// Output for the person. gdb takes it only while it waits for something.
void Stub::tell(const std::string& text) {
  for (std::size_t at = 0; at < text.size(); at += most_bytes / 2) {
    if (!wire_.write(framed("O" + to_hex(std::string_view(text).substr(at, most_bytes / 2))))) ended_ = Ended::gone;
  }
}

void Stub::tell_notes() {
  tell(notes_);
  notes_.clear();
}

bool Stub::interrupted() {
  const auto bytes = wire_.poll();
  if (!bytes) {
    ended_ = Ended::gone;
    return true;
  }
  reader_.add(*bytes);
  return reader_.take_interrupt();
}

bool Stub::accept(Result<std::string> note) {
  if (!note.ok()) {
    fail(note.error().text);
    return false;
  }
  notes_ += note.value();
  return true;
}

void Stub::handle(std::string_view packet) {
  if (packet.empty()) return answer("");
  switch (packet[0]) {
    case '?':
      return answer(last_stop_);
    case '!':
      return answer("OK");
    case 'g':
    case 'G':
      return registers_all(packet);
    case 'p':
    case 'P':
      return register_one(packet);
    case 'm':
    case 'M':
    case 'X':
      return memory(packet);
    case 'Z':
    case 'z':
      return breakpoint(packet);
    case 'q':
      return query(packet.substr(1));
    case 'Q':
      return set_query(packet.substr(1));
    case 'H':
    case 'T':
      return answer("OK");
    case 'D':
      ended_ = Ended::detached;
      return answer("OK");
    case 'k':
      ended_ = Ended::killed;
      return;
    case 'R':
      return;
    default:
      if (!running_commands(packet)) answer("");
  }
}

bool Stub::running_commands(std::string_view packet) {
  std::string_view rest = packet;
  if (take(rest, "vCont?")) {
    answer("vCont;c;C;s;S;r");
  } else if (take(rest, "vCont;")) {
    resume_by_list(rest);
  } else if (take(rest, "vKill")) {
    answer("OK");
    ended_ = Ended::killed;
  } else if (packet == "bs" || packet == "bc") {
    if (!target_.can_go_back()) {
      answer("");
    } else {
      resume({packet == "bs" ? Move::step_back : Move::resume_back, 0, 0});
    }
  } else if (packet[0] == 'c' || packet[0] == 's') {
    rest.remove_prefix(1);
    const auto at = take_hex(rest);
    if (!rest.empty()) {
      fail("not an address");
    } else {
      resume({packet[0] == 'c' ? Move::resume : Move::step, 0, 0}, at);
    }
  } else if (packet[0] == 'C' || packet[0] == 'S') {
    // A signal means nothing to a machine.
    resume({packet[0] == 'C' ? Move::resume : Move::step, 0, 0});
  } else {
    return false;
  }
  return true;
}

// There is one thread, so the first action is the one.
void Stub::resume_by_list(std::string_view actions) {
  std::string_view action = actions.substr(0, actions.find(';'));
  action = action.substr(0, action.find(':'));
  if (action.empty()) return fail("no action");
  const char what = action[0];
  action.remove_prefix(1);
  Resume how;
  switch (what) {
    case 'c':
    case 'C':
      how.move = Move::resume;
      break;
    case 's':
    case 'S':
      how.move = Move::step;
      break;
    case 'r': {
      how.move = Move::step;
      const auto from = take_hex(action);
      const bool comma = take(action, ",");
      const auto until = take_hex(action);
      if (!from || !comma || !until || !action.empty()) return fail("not a range");
      how.from = *from;
      how.until = *until;
      break;
    }
    default:
      return fail("no such action");
  }
  resume(how);
}

void Stub::resume(const Resume& how, std::optional<std::uint64_t> at) {
  if (at) {
    CpuState cpu = target_.cpu();
    if (cpu.rip != *at) {
      cpu.rip = *at;
      if (!accept(target_.set_cpu(cpu))) return;
    }
  }
  tell_notes();
  report(target_.resume(how, [this] { return interrupted(); }));
}

std::string Stub::stop_text(const Stop& stop) const {
  std::string text = "T05thread:1;";
  switch (stop.reason) {
    case StopReason::step:
      break;
    case StopReason::breakpoint: {
      const auto is_hardware = [&](const auto& set) {
        return set.first.type == '1' && set.first.address == stop.address;
      };
      if (tells_breakpoints_) text += std::any_of(sets_.begin(), sets_.end(), is_hardware) ? "hwbreak:;" : "swbreak:;";
      break;
    }
    case StopReason::watchpoint:
      text += fmt::format("{}:{:x};",
                          stop.watch == Watch::write  ? "watch"
                          : stop.watch == Watch::read ? "rwatch"
                                                      : "awatch",
                          stop.address);
      break;
    case StopReason::interrupted:
      return "T02thread:1;";
    case StopReason::history_begin:
      return text + "replaylog:begin;";
    case StopReason::history_end:
      return text + "replaylog:end;";
    case StopReason::ended:
      return fmt::format("W{:02x}", stop.exit_code);
  }
  return text;
}

void Stub::report(const Stop& stop) {
  if (ended_) return;
  notes_ += stop.note;
  if (const CodeMode now = mode(); now != described_ && stop.reason != StopReason::ended) {
    notes_ +=
        fmt::format("The CPU now executes {}-bit code; `disconnect` and `target remote` again to see it as that.\n",
                    16u << static_cast<unsigned>(now));
  }
  tell_notes();
  last_stop_ = stop_text(stop);
  answer(last_stop_);
}

CodeMode Stub::mode() { return forced_mode_.value_or(code_mode(target_.cpu())); }

void Stub::registers_all(std::string_view packet) {
  const auto& shapes = registers(described_);
  CpuState cpu = target_.cpu();
  if (packet == "g") {
    std::string text;
    for (unsigned i = 0; i < shapes.size(); ++i) text += to_hex(read_register(cpu, described_, i));
    return answer(text);
  }
  const auto bytes = from_hex(packet.substr(1));
  std::size_t wanted = 0;
  for (const Register& one : shapes) wanted += one.bytes;
  if (packet[0] != 'G' || !bytes || bytes->size() != wanted) return fail("these are not all registers");
  std::size_t at = 0;
  for (unsigned i = 0; i < shapes.size(); at += shapes[i++].bytes) {
    const std::string_view value = std::string_view(*bytes).substr(at, shapes[i].bytes);
    if (value == read_register(cpu, described_, i)) continue;
    if (const auto why = write_register(cpu, described_, i, value)) return fail(shapes[i].name + ": " + *why);
  }
  if (accept(target_.set_cpu(cpu))) answer("OK");
}

void Stub::register_one(std::string_view packet) {
  std::string_view rest = packet.substr(1);
  const auto number = take_hex(rest);
  const auto& shapes = registers(described_);
  if (!number || *number >= shapes.size()) return fail("no such register");
  CpuState cpu = target_.cpu();
  const auto index = static_cast<unsigned>(*number);
  if (packet[0] == 'p') {
    if (!rest.empty()) return fail("not a register's number");
    return answer(to_hex(read_register(cpu, described_, index)));
  }
  if (!take(rest, "=")) return fail("no value");
  const auto value = from_hex(rest);
  if (!value) return fail("not a value");
  if (*value == read_register(cpu, described_, index)) return answer("OK");
  if (const auto why = write_register(cpu, described_, index, *value)) return fail(shapes[index].name + ": " + *why);
  if (accept(target_.set_cpu(cpu))) answer("OK");
}

std::uint64_t Stub::read(std::uint64_t address, MutableBytes out) {
  return physical_ ? target_.read_physical(address, out) : target_.read_memory(address, out);
}

void Stub::write(std::uint64_t address, std::string_view bytes) {
  const Bytes in = bytes_of(bytes);
  if (accept(physical_ ? target_.write_physical(address, in) : target_.write_memory(address, in))) answer("OK");
}

void Stub::memory(std::string_view packet) {
  std::string_view rest = packet.substr(1);
  const auto address = take_hex(rest);
  const bool comma = take(rest, ",");
  const auto length = take_hex(rest);
  if (!address || !comma || !length) return fail("not an address and a length");
  if (packet[0] == 'm') {
    if (!rest.empty()) return fail("not a length");
    std::string bytes(std::min(*length, most_bytes), '\0');
    const std::uint64_t there = read(*address, bytes_of(bytes));
    if (there == 0 && !bytes.empty()) return fail("nothing is mapped there");
    return answer(to_hex(std::string_view(bytes).substr(0, there)));
  }
  if (!take(rest, ":")) return fail("no bytes");
  const auto bytes = packet[0] == 'M' ? from_hex(rest) : std::optional(std::string(rest));
  if (!bytes || bytes->size() != *length) return fail("another number of bytes");
  if (bytes->empty()) return answer("OK");  // gdb asks whether X is understood
  write(*address, *bytes);
}

void Stub::breakpoint(std::string_view packet) {
  const bool insert = packet[0] == 'Z';
  if (packet.size() < 3 || packet[2] != ',') return fail("not a breakpoint");
  Set set;
  set.type = packet[1];
  if (set.type < '0' || set.type > '4') return answer("");
  std::string_view rest = packet.substr(3);
  const auto address = take_hex(rest);
  const bool comma = take(rest, ",");
  const auto kind = take_hex(rest);
  // Conditions and commands (behind ;) were not offered.
  if (!address || !comma || !kind || !rest.empty()) return fail("not an address and a length");
  set.address = *address;
  set.kind = *kind;
  if (set.type >= '2' && (set.kind == 0 || set.kind > (1ull << 40))) return fail("not a length that can be watched");
  if (insert) {
    ++sets_[set];
  } else {
    const auto found = sets_.find(set);
    if (found != sets_.end() && --found->second == 0) sets_.erase(found);
  }
  update_watched();
  answer("OK");
}

void Stub::update_watched() {
  Watched watched;
  for (const auto& [set, times] : sets_) {
    if (set.type <= '1') {
      watched.breakpoints.push_back(set.address);
    } else {
      watched.ranges.push_back({set.type == '2'   ? Watch::write
                                : set.type == '3' ? Watch::read
                                                  : Watch::access,
                                set.address, set.kind});
    }
  }
  target_.set_watched(watched);
}

}  // namespace lockstitch::gdb
