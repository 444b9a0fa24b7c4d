// The register space of the 8254x: names of the registers and bits this card knows, and the store behind them. Not
// here: what happens when they are touched (e1000.cc). Source: Intel 8254x Software Developer's Manual, chapter 13.
#pragma once
#include <array>
#include <cstdint>

#include "lockstitch/state.h"

namespace lockstitch {

namespace e1000 {
enum Register : std::uint32_t {
  ctrl = 0x0000,
  status = 0x0008,
  eecd = 0x0010,
  eerd = 0x0014,
  ctrl_ext = 0x0018,
  mdic = 0x0020,
  fcal = 0x0028,
  fcah = 0x002c,
  fct = 0x0030,
  vet = 0x0038,
  icr = 0x00c0,
  itr = 0x00c4,
  ics = 0x00c8,
  ims = 0x00d0,
  imc = 0x00d8,
  rctl = 0x0100,
  fcttv = 0x0170,
  txcw = 0x0178,
  tctl = 0x0400,
  tipg = 0x0410,
  ledctl = 0x0e00,
  pba = 0x1000,
  fcrtl = 0x2160,
  fcrth = 0x2168,
  rdbal = 0x2800,
  rdbah = 0x2804,
  rdlen = 0x2808,
  rdh = 0x2810,
  rdt = 0x2818,
  rdtr = 0x2820,
  radv = 0x282c,
  rsrpd = 0x2c00,
  tdbal = 0x3800,
  tdbah = 0x3804,
  tdlen = 0x3808,
  tdh = 0x3810,
  tdt = 0x3818,
  tidv = 0x3820,
  txdctl = 0x3828,
  tadv = 0x382c,
  statistics = 0x4000,
  mpc = 0x4010,
  prc64 = 0x405c,
  gprc = 0x4074,
  bprc = 0x4078,
  mprc = 0x407c,
  gptc = 0x4080,
  gorc = 0x4088,
  gotc = 0x4090,
  rnbc = 0x40a0,
  tor = 0x40c0,
  tot = 0x40c8,
  tpr = 0x40d0,
  tpt = 0x40d4,
  ptc64 = 0x40d8,
  mptc = 0x40f0,
  bptc = 0x40f4,
  tsctc = 0x40f8,
  tsctfc = 0x40fc,
  statistics_end = 0x4100,
  rxcsum = 0x5000,
  mta = 0x5200,
  ra = 0x5400,
  ra_end = 0x5480,
  vfta = 0x5600,
  register_end = 0x6000,
};

// ICR, ICS, IMS, IMC.
inline constexpr std::uint32_t cause_txdw = 1u << 0, cause_txqe = 1u << 1, cause_lsc = 1u << 2, cause_rxdmt0 = 1u << 4,
                               cause_rxo = 1u << 6, cause_rxt0 = 1u << 7, cause_mdac = 1u << 9,
                               cause_txd_low = 1u << 15, cause_srpd = 1u << 16, cause_all = 0x1'ffff;

inline constexpr std::uint32_t ctrl_fd = 1u << 0, ctrl_frcspd = 1u << 11, ctrl_frcdpx = 1u << 12, ctrl_rst = 1u << 26,
                               ctrl_vme = 1u << 30, ctrl_phy_rst = 1u << 31;
inline constexpr std::uint32_t ctrl_ext_ee_rst = 1u << 13;
inline constexpr std::uint32_t rctl_en = 1u << 1, rctl_upe = 1u << 3, rctl_mpe = 1u << 4, rctl_lbm = 3u << 6,
                               rctl_bam = 1u << 15, rctl_vfe = 1u << 18, rctl_cfien = 1u << 19, rctl_cfi = 1u << 20,
                               rctl_bsex = 1u << 25, rctl_secrc = 1u << 26;
inline constexpr std::uint32_t tctl_en = 1u << 1, tctl_psp = 1u << 3;
inline constexpr std::uint32_t rxcsum_ipofl = 1u << 8, rxcsum_tuofl = 1u << 9, rxcsum_ipv6ofl = 1u << 10;
inline constexpr std::uint32_t flush_delay = 1u << 31;    // RDTR.FPD, TIDV.FPD
inline constexpr std::uint32_t address_valid = 1u << 31;  // RAH.AV

/// Unit: ns of one step of RDTR, RADV, TIDV, TADV; of ITR.
inline constexpr std::uint64_t delay_step_ns = 1024, throttle_step_ns = 256;

/// Unit: bytes. An Ethernet header; with VLAN tag and 1500 bytes of payload; the shortest on the wire; FCS not counted.
inline constexpr std::size_t frame_min_bytes = 14, frame_max_bytes = 1518, frame_padded_bytes = 60, fcs_bytes = 4;
inline constexpr std::size_t descriptor_bytes = 16;
}  // namespace e1000

/// 0000h-5FFFh as 32-bit words. Any contents are safe: who reads a register masks it.
class E1000Registers {
 public:
  std::uint32_t get(std::uint32_t at) const {
    return std::uint32_t{bytes_[at]} | std::uint32_t{bytes_[at + 1]} << 8 | std::uint32_t{bytes_[at + 2]} << 16 |
           std::uint32_t{bytes_[at + 3]} << 24;
  }
  void set(std::uint32_t at, std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) bytes_[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  bool any(std::uint32_t at, std::uint32_t bits) const { return (get(at) & bits) != 0; }
  std::uint64_t get_pair(std::uint32_t at) const { return get(at) | std::uint64_t{get(at + 4)} << 32; }

  /// A statistics counter stays at its largest value.
  void count(std::uint32_t at) {
    if (const std::uint32_t value = get(at); value != ~0u) set(at, value + 1);
  }
  void count_octets(std::uint32_t at, std::uint64_t octets) {
    const std::uint64_t before = get_pair(at), after = before + octets < before ? ~std::uint64_t{0} : before + octets;
    set(at, static_cast<std::uint32_t>(after));
    set(at + 4, static_cast<std::uint32_t>(after >> 32));
  }
  /// One of the six counters by size that start at `first` (PRC64, PTC64). Unit: bytes with FCS.
  void count_size(std::uint32_t first, std::size_t bytes) {
    constexpr std::array<std::size_t, 5> last = {64, 127, 255, 511, 1023};
    std::uint32_t at = first;
    for (std::size_t limit : last)
      if (bytes > limit) at += 4;
    count(at);
  }

  void clear() { bytes_.fill(0); }
  void visit(StateVisitor& v) { v.field("registers", bytes_); }

 private:
  std::array<std::uint8_t, e1000::register_end> bytes_{};
};

}  // namespace lockstitch
