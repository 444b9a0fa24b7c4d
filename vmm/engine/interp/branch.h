// How a block hands over to the next: direct branches through links, indirect ones through the jump cache. On a miss the
// dispatcher finds the block (and fills the link).
#pragma once
#include "vmm/engine/interp/cpu.h"

namespace lockstitch::interp {

/// Enters `block_` at `rip_`, or returns to the dispatcher when the budget does not cover it.
#define LS_ENTER(cpu_, block_, rip_)                                                    \
  do {                                                                                  \
    Block* const next_block = (block_);                                                 \
    const std::uint64_t next_block_rip = (rip_);                                        \
    (cpu_).ticks_left -= next_block->count;                                             \
    if ((cpu_).ticks_left < 0) [[unlikely]] {                                           \
      (cpu_).ticks_left += next_block->count;                                           \
      (cpu_).rip = next_block_rip;                                                      \
      (cpu_).block = nullptr;                                                           \
      return;                                                                           \
    }                                                                                   \
    (cpu_).block = next_block;                                                          \
    (cpu_).rip_base = next_block_rip - static_cast<std::int64_t>(next_block->start_off); \
    LS_TAIL(next_block->ops[0].fn, cpu_, next_block->ops);                              \
  } while (0)

/// Leaves by way `which_` of the links behind `op_`, to `target_`. All ops of the block have retired.
#define LS_GO(cpu_, op_, which_, target_)                                                                   \
  do {                                                                                                      \
    Link& way = const_cast<Links*>(reinterpret_cast<const Links*>((op_) + 1))->way[which_];                 \
    const std::uint64_t target_rip = (target_);                                                             \
    if (way.block && ((way.epoch ^ (cpu_).fetch_epoch) & way.mask) == 0 && !(cpu_).break_block) [[likely]] \
      LS_ENTER(cpu_, way.block, target_rip);                                                                \
    (cpu_).left_linear = (cpu_).rip_base + static_cast<std::int64_t>((cpu_).block->start_off);              \
    if (!(cpu_).code64()) (cpu_).left_linear = ((cpu_).left_linear + (cpu_).segment[cs].base) & 0xffff'ffff; \
    (cpu_).link_from = &way;                                                                                \
    (cpu_).rip = target_rip;                                                                                \
    (cpu_).block = nullptr;                                                                                 \
    return;                                                                                                 \
  } while (0)

/// Leaves to a computed 64-bit target.
#define LS_GO_INDIRECT(cpu_, target_)                                                                          \
  do {                                                                                                         \
    const std::uint64_t target_rip = (target_);                                                                \
    const JumpEntry& jump = (cpu_).jump_cache[jump_slot(target_rip)];                                          \
    if (jump.linear == target_rip && jump.epoch == (cpu_).fetch_epoch && !(cpu_).break_block) [[likely]]       \
      LS_ENTER(cpu_, jump.block, target_rip);                                                                  \
    (cpu_).rip = target_rip;                                                                                   \
    (cpu_).block = nullptr;                                                                                    \
    return;                                                                                                    \
  } while (0)

}  // namespace lockstitch::interp
