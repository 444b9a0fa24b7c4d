// The beginning of a trace: everything that the machine's initial state depends on, and what must be alike for a replay
// to be one. Plain values; what they mean for a board is the application's business.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/digest.h"
#include "lockstitch/engine.h"
#include "lockstitch/result.h"
#include "lockstitch/types.h"

namespace lockstitch::sync {

/// What reads and writes this version. A reader refuses any other.
inline constexpr std::uint32_t format_version = 1;

/// What one tick is (ARCHITECTURE 4). 1: a retired instruction, or a chunk of a REP string instruction up to a page
/// boundary; a fault retires nothing, but the 4096th in a row takes a tick.
inline constexpr std::uint32_t tick_semantics = 1;

/// A file of the host that the machine starts from, named by what it holds.
struct ImageReference {
  std::string role;  ///< "kernel", "initrd", "disk0", "disk1", ...
  std::string path;  ///< where it was, absolute; a hint
  std::uint64_t bytes = 0;
  Digest hash;  ///< of sync/trace/image.h
  /// "qcow2" and the like: `bytes` and `hash` are then those of the disk in the image. Empty: raw.
  std::string format{};
};

struct EngineDescription {
  std::string name;
  bool counts_exactly = false;
  bool stops_exactly = false;
  bool traps_tsc = false;
  bool traps_random = false;
  bool no_visible_tlb = false;
  TickUnit ticks = TickUnit::instruction;
};

struct CpuidRow {
  std::uint32_t leaf = 0, subleaf = 0;
  std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  friend constexpr bool operator==(const CpuidRow&, const CpuidRow&) = default;
};

struct DiskDescription {
  bool read_only = false;  ///< as the guest sees it
};

struct BoardDescription {
  std::string name;  ///< of the board's frozen layout, e.g. "PC-1"
  std::uint64_t memory_bytes = 0;
  std::uint64_t ns_per_tick = 1;
  std::uint64_t digest_ignored_bits = 0;  ///< of each aligned 64-bit word of memory, what digests leave out
  std::uint64_t rtc_start_seconds = 0;  ///< since 1970, UTC
  std::uint64_t seed = 0;
  std::string command_line;
  bool flat_kernel = false;
  bool reboots = true;
  bool virtio_console = false;
  std::optional<std::array<std::uint8_t, 6>> network_mac;  ///< nothing: no network card
  std::vector<DiskDescription> disks;                      ///< their images have the roles "disk0", "disk1", ...
  std::vector<std::string> ports;                          ///< names of port 1, 2, ...
  std::string pc;  ///< what the PC is made of beyond that, in one line; opaque here
};

struct Header {
  std::uint32_t version = format_version;
  std::uint32_t ticks = tick_semantics;
  std::string build;               ///< version of the program that wrote it
  std::uint64_t created_ns = 0;    ///< host's wall clock, since 1970; also what makes two traces of one guest differ
  bool paced = true;               ///< recorded with `--clock realtime`
  std::uint64_t digest_every = 0;  ///< Unit: ticks; 0: no digests
  std::string numeric_mode;        ///< whose processor executed floating point, e.g. "host x86-64 GenuineIntel 6-143"
  EngineDescription engine;
  std::vector<CpuidRow> cpuid;
  BoardDescription board;
  std::vector<ImageReference> images;
  /// Of the file's bytes: the beginning of the log's hash chain and the name of the trace. Not in the file.
  Digest identity;
};

/// As bytes, without the identity.
std::vector<std::uint8_t> encode_header(const Header& header);
/// Any bytes are safe. Fails: not a header; the text says what is wrong.
Result<Header> decode_header(Bytes bytes);

/// Writes the file anew and sets the identity. Fails: unwritable.
Outcome write_header(const std::string& path, Header& header);
/// With the identity. Fails: missing, damaged, another version; says which.
Result<Header> read_header(const std::string& path);

}  // namespace lockstitch::sync
