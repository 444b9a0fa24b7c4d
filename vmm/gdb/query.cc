// See stub.h. Here: what gdb asks and sets beside moving the machine.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "vmm/gdb/stub.h"

namespace lockstitch::gdb {
namespace {

/// Unit: bytes. Of one look at memory while searching or summing.
constexpr std::size_t piece_bytes = 4096;

/// CRC-32 as gdb computes it: polynomial 04c11db7, most significant bit first, all ones at the start.
std::uint32_t continue_crc(std::uint32_t crc, Bytes bytes) {
  for (const std::uint8_t byte : bytes) {
    crc ^= std::uint32_t{byte} << 24;
    for (int bit = 0; bit < 8; ++bit) crc = crc << 1 ^ (crc >> 31 ? 0x04c1'1db7u : 0);
  }
  return crc;
}

/// A part of a document, as qXfer answers it.
std::string part_of(std::string_view document, std::uint64_t offset, std::uint64_t length) {
  if (offset >= document.size()) return "l";
  length = std::min<std::uint64_t>(length, packet_max_bytes / 2 - 8);
  const std::string_view part = document.substr(offset, length);
  return (offset + part.size() == document.size() ? "l" : "m") + std::string(part);
}

constexpr std::string_view threads =
    "<?xml version=\"1.0\"?><threads><thread id=\"1\" core=\"0\" name=\"vCPU 0\"></thread></threads>";

}  // namespace

void Stub::query(std::string_view packet) {
  std::string_view rest = packet;
  if (take(rest, "Supported")) {
    supported(rest);
  } else if (take(rest, "Xfer:")) {
    transfer(rest);
  } else if (take(rest, "Rcmd,")) {
    command(rest);
  } else if (take(rest, "Search:memory:")) {
    search(rest);
  } else if (take(rest, "CRC:")) {
    sum(rest);
  } else if (packet == "fThreadInfo") {
    answer("m1");
  } else if (packet == "sThreadInfo") {
    answer("l");
  } else if (take(rest, "ThreadExtraInfo,")) {
    answer(to_hex("vCPU 0"));
  } else if (packet == "C") {
    answer("QC1");
  } else if (take(rest, "Attached")) {
    answer("1");
  } else if (take(rest, "Symbol:")) {
    answer("OK");
  } else if (packet == "qemu.PhyMemMode") {
    answer(physical_ ? "1" : "0");
  } else {
    answer("");
  }
}

void Stub::set_query(std::string_view packet) {
  std::string_view rest = packet;
  if (packet == "StartNoAckMode") {
    answer("OK");
    acknowledges_ = false;
    reader_.ignore_sums();
  } else if (take(rest, "qemu.PhyMemMode:")) {
    if (rest != "0" && rest != "1") return fail("it is 0 or 1");
    physical_ = rest == "1";
    answer("OK");
  } else {
    answer("");
  }
}

void Stub::supported(std::string_view features) {
  tells_swbreak_ = features.find("swbreak+") != std::string_view::npos;
  tells_hwbreak_ = features.find("hwbreak+") != std::string_view::npos;
  errors_have_text_ = features.find("error-message+") != std::string_view::npos;
  std::string text = fmt::format(
      "PacketSize={:x};QStartNoAckMode+;vContSupported+;swbreak+;hwbreak+;qXfer:features:read+;qXfer:threads:read+",
      packet_max_bytes);
  if (target_.can_go_back()) text += ";ReverseStep+;ReverseContinue+";
  answer(text);
}

void Stub::transfer(std::string_view request) {
  std::string document;
  if (take(request, "features:read:target.xml:")) {
    // Its parts are of one document.
    if (request.starts_with("0,")) described_ = wanted_mode_.value_or(code_mode(target_.cpu()));
    document = target_description(described_);
  } else if (take(request, "threads:read::")) {
    document = threads;
  } else if (request.starts_with("features:read:")) {
    return fail("no such document");
  } else {
    return answer("");
  }
  const auto offset = take_hex(request);
  const bool comma = take(request, ",");
  const auto length = take_hex(request);
  if (!offset || !comma || !length || !request.empty()) return fail("not an offset and a length");
  answer(part_of(document, *offset, *length));
}

void Stub::command(std::string_view hex) {
  const auto line = from_hex(hex);
  if (!line) return fail("not a command");
  tell_notes();
  if (*line == "mode" || line->starts_with("mode ")) return set_mode(std::string_view(*line).substr(4));
  auto text = target_.monitor(*line, [this] { return interrupted(); });
  if (ended_) return;
  tell(text.ok() ? text.value() : text.error().text + "\n");
  last_stop_ = "T05thread:1;";
  answer("OK");
}

void Stub::set_mode(std::string_view name) {
  static constexpr std::array<std::string_view, 3> names{" 16", " 32", " 64"};
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end() && name != " auto") {
    tell("It is `mode 16`, `mode 32`, `mode 64`, or `mode auto` for what the CPU executes.\n");
    return answer("OK");
  }
  wanted_mode_ = found == names.end() ? std::nullopt : std::optional(static_cast<CodeMode>(found - names.begin()));
  const CodeMode wanted = wanted_mode_.value_or(code_mode(target_.cpu()));
  std::string text = fmt::format("gdb shows {}-bit code after `unset tdesc filename`.", bits(wanted));
  if (wanted != CodeMode::code64) {
    text += " It does not while a 64-bit program is loaded: `exec-file` alone lets go of one and keeps its symbols.";
  }
  tell(text + "\n");
  answer("OK");
}

void Stub::search(std::string_view request) {
  const auto from = take_hex(request);
  const bool first = take(request, ";");
  const auto length = take_hex(request);
  if (!from || !first || !length || !take(request, ";") || request.empty()) return fail("not a search");
  const std::string pattern(request);
  std::string window;
  for (std::uint64_t done = 0; done < *length;) {
    if (interrupted()) return ended_ ? void() : fail("interrupted");
    std::string piece(std::min<std::uint64_t>(piece_bytes, *length - done), '\0');
    const std::uint64_t there = read(*from + done, {reinterpret_cast<std::uint8_t*>(piece.data()), piece.size()});
    window.append(piece, 0, there);
    const std::uint64_t window_at = *from + done + there - window.size();
    if (const std::size_t at = window.find(pattern); at != std::string::npos) {
      return answer(fmt::format("1,{:x}", window_at + at));
    }
    if (there < piece.size()) break;
    done += there;
    if (window.size() >= pattern.size()) window.erase(0, window.size() - pattern.size() + 1);
  }
  answer("0");
}

void Stub::sum(std::string_view request) {
  const auto from = take_hex(request);
  const bool comma = take(request, ",");
  const auto length = take_hex(request);
  if (!from || !comma || !length || !request.empty()) return fail("not an address and a length");
  std::uint32_t crc = 0xffff'ffff;
  for (std::uint64_t done = 0; done < *length;) {
    if (interrupted()) return ended_ ? void() : fail("interrupted");
    std::array<std::uint8_t, piece_bytes> piece;
    const auto size = std::min<std::uint64_t>(piece_bytes, *length - done);
    if (read(*from + done, MutableBytes(piece).first(size)) != size) return fail("nothing is mapped there");
    crc = continue_crc(crc, Bytes(piece).first(size));
    done += size;
  }
  answer(fmt::format("C{:x}", crc));
}

}  // namespace lockstitch::gdb
