// See stub.h. Here: the conversation, moves, registers, memory, breakpoints. Queries are in query.cc.
#include "vmm/gdb/stub.h"

#include <fmt/format.h>

#include <algorithm>

namespace lockstitch::gdb {
namespace {

/// Unit: bytes. Of memory in one answer, in hexadecimal digits.
constexpr std::uint64_t most_bytes = packet_max_bytes / 2 - 8;
/// gdb sets all of them anew for each move.
constexpr std::size_t points_max = 4096;
/// Unit: bytes. All that a guest can have of memory.
constexpr std::uint64_t watched_max_bytes = 1ull << 40;

MutableBytes bytes_of(std::string& text) { return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}; }
/// The only one, any one, or all.
bool is_thread(std::string_view id) { return id == "1" || id == "0" || id == "-1"; }

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace

Stub::Stub(Target& target, Wire& wire) : target_(target), wire_(wire) {}

Stub::Ended Stub::serve() {
  while (!ended_) {
    switch (reader_.next()) {
      case PacketReader::What::nothing:
        if (const auto bytes = wire_.read()) {
          hear(*bytes);
        } else {
          ended_ = Ended::gone;
        }
        break;
      case PacketReader::What::packet: {
        if (acknowledges_) say("+");
        const std::string packet = reader_.contents();
        handle(packet);
        break;
      }
      case PacketReader::What::too_long:
        if (acknowledges_) say("+");
        fail("a packet is too long");
        break;
      case PacketReader::What::damaged:
        if (acknowledges_) say("-");
        break;
      case PacketReader::What::nak:
        if (acknowledges_) say(last_sent_);
        break;
      case PacketReader::What::ack:
      case PacketReader::What::interrupt:  // it stands still already
        break;
    }
  }
  target_.detached();
  return *ended_;
}

void Stub::hear(std::string_view bytes) {
  if (!reader_.add(bytes)) ended_ = Ended::gone;
}

void Stub::say(std::string_view bytes) {
  if (!wire_.write(bytes)) ended_ = Ended::gone;
}

void Stub::answer(std::string_view contents) {
  last_sent_ = framed(contents);
  say(last_sent_);
}

void Stub::fail(std::string_view why) {
  if (errors_have_text_) return fail_in_words(why);
  answer("E01");
}

/// Every gdb takes this as a failure of P, G, M, X and Z, and shows it where it shows the answer at all.
void Stub::fail_in_words(std::string_view why) { answer(fmt::format("E.{}", why)); }

/// Output for the person. gdb takes it only while it waits for something.
void Stub::tell(const std::string& text) {
  for (std::size_t at = 0; at < text.size() && !ended_; at += most_bytes / 2) {
    answer("O" + to_hex(std::string_view(text).substr(at, most_bytes / 2)));
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
  hear(*bytes);
  return ended_ || reader_.take_interrupt();
}

bool Stub::accept(Result<std::string> note) {
  if (!note.ok()) {
    fail_in_words(note.error().text);
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
      return packet.size() > 2 && is_thread(packet.substr(2)) ? answer("OK") : fail("no such thread");
    case 'T':
      return is_thread(packet.substr(1)) ? answer("OK") : fail("no such thread");
    case 'D':
      answer("OK");
      ended_ = Ended::detached;
      return;
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
  if (packet == "vCont?") {
    answer("vCont;c;C;s;S;r");
  } else if (take(rest, "vCont;")) {
    resume_by_list(rest);
  } else if (packet == "vKill" || take(rest, "vKill;")) {
    answer("OK");
    ended_ = Ended::killed;
  } else if (packet == "bs" || packet == "bc") {
    if (!target_.can_go_back()) {
      answer("");
    } else {
      resume({packet == "bs" ? Move::step_back : Move::resume_back, 0, 0});
    }
  } else if (packet[0] == 'c' || packet[0] == 's') {
    resume_at(packet[0] == 'c' ? Move::resume : Move::step, packet.substr(1));
  } else if (packet[0] == 'C' || packet[0] == 'S') {
    // A signal means nothing to a machine.
    rest.remove_prefix(1);
    if (!take_hex(rest) || (!rest.empty() && !take(rest, ";"))) {
      fail("not a signal");
    } else {
      resume_at(packet[0] == 'C' ? Move::resume : Move::step, rest);
    }
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

void Stub::resume_at(Move move, std::string_view address) {
  if (!address.empty()) {
    const auto at = take_hex(address);
    if (!at || !address.empty()) return fail("not an address");
    CpuState cpu = target_.cpu();
    if (program_counter(cpu) != *at) {
      if (const auto why = set_program_counter(cpu, *at)) return fail(*why);
      if (!accept(target_.set_cpu(cpu))) return;
    }
  }
  resume({move, 0, 0});
}

void Stub::resume(const Resume& how) {
  tell_notes();
  report(target_.resume(how, [this] { return interrupted(); }));
}

std::string Stub::stop_text(const Stop& stop) const {
  std::string text = "T05thread:1;";
  switch (stop.reason) {
    case StopReason::step:
      break;
    case StopReason::breakpoint: {
      const bool software = std::any_of(points_.begin(), points_.end(), [&](const Point& point) {
        return point.type == '0' && point.address == stop.address;
      });
      if (software && tells_swbreak_) text += "swbreak:;";
      if (!software && tells_hwbreak_) text += "hwbreak:;";
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
  if (stop.reason != StopReason::ended) note_mode();
  tell_notes();
  last_stop_ = stop_text(stop);
  answer(last_stop_);
}

void Stub::note_mode() {
  const CodeMode now = code_mode(target_.cpu());
  if (now != noted_ && now != described_) {
    notes_ += fmt::format(
        "The CPU executes {0}-bit code, which gdb shows as {1}-bit code; `monitor mode {0}` and then `unset tdesc "
        "filename` change that.\n",
        bits(now), bits(described_));
  }
  noted_ = now;
}

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
    if (const auto why = write_register(cpu, described_, i, value)) return fail_in_words(shapes[i].name + ": " + *why);
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
  if (const auto why = write_register(cpu, described_, index, *value))
    return fail_in_words(shapes[index].name + ": " + *why);
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
  Point point;
  point.type = packet[1];
  if (point.type < '0' || point.type > '4') return answer("");
  std::string_view rest = packet.substr(3);
  const auto address = take_hex(rest);
  const bool comma = take(rest, ",");
  const auto kind = take_hex(rest);
  // Conditions and commands (behind ;) were not offered.
  if (!address || !comma || !kind || !rest.empty()) return fail("not an address and a length");
  point.address = *address;
  point.kind = *kind;
  if (point.type >= '2' && (*kind == 0 || *kind > watched_max_bytes)) return fail("not a length that can be watched");
  // gdb may repeat itself, so a point that is set twice is gone when it is removed once.
  if (!insert) {
    points_.erase(point);
  } else if (points_.size() < points_max || points_.contains(point)) {
    points_.insert(point);
  } else {
    return fail_in_words(fmt::format("more than {} breakpoints and watchpoints", points_max));
  }
  update_watched();
  answer("OK");
}

void Stub::update_watched() {
  Watched watched;
  for (const Point& point : points_) {
    if (point.type >= '2') {
      const Watch watch = point.type == '2' ? Watch::write : point.type == '3' ? Watch::read : Watch::access;
      watched.ranges.push_back({watch, point.address, point.kind});
    } else {
      watched.breakpoints.push_back(point.address);
    }
  }
  auto& breakpoints = watched.breakpoints;
  std::sort(breakpoints.begin(), breakpoints.end());
  breakpoints.erase(std::unique(breakpoints.begin(), breakpoints.end()), breakpoints.end());
  target_.set_watched(watched);
}

}  // namespace lockstitch::gdb
