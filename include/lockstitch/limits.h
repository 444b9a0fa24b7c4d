// Every bound of the monitor, with its unit and its reason (law 6).
#pragma once
#include <cstddef>
#include <cstdint>

namespace lockstitch::limits {

/// Unit: bytes. Below this the Linux boot protocol and the ACPI tables do not fit.
inline constexpr std::uint64_t memory_min_bytes = 1ull << 20;
/// Unit: bytes. 40 physical address bits, less the hole; a typing error in `--memory` is caught here.
inline constexpr std::uint64_t memory_max_bytes = 512ull << 30;
/// Unit: bytes. RAM below 4 GiB ends here; the rest is the PCI window, IOAPIC, LAPIC and firmware.
inline constexpr std::uint64_t low_ram_max_bytes = 0xC000'0000;

/// Unit: ticks. Longest run without a look at the inbox: 50 us of guest time.
inline constexpr std::uint64_t quantum_ticks = 50'000;

/// Unit: bytes. One arrival or one effect: the largest is an Ethernet frame with virtio header, or a paste on the console.
inline constexpr std::size_t message_max_bytes = 65'536 + 64;
/// Unit: messages. Inbox and outbox between world and core; past it frames are dropped and counted, consoles wait.
inline constexpr std::size_t queue_max_messages = 4096;

/// Unit: bytes. Stack of the engine's fiber; the interpreter recurses at most two deep (nested fault delivery).
inline constexpr std::size_t fiber_stack_bytes = 256 << 10;

/// Unit: entries. Largest virtqueue (virtio 1.2 allows 32768); bounds the work of one notification.
inline constexpr unsigned virtqueue_max_entries = 256;
/// Unit: bytes. One virtio-blk request; larger ones are refused as an I/O error.
inline constexpr std::uint64_t block_request_max_bytes = 4ull << 20;

/// Unit: bytes. Interpreter's store of decoded blocks; when it is full all of it is dropped.
inline constexpr std::size_t decoded_store_bytes = 24u << 20;

/// Unit: pixels. Largest picture of a screen: 2560 by 1600 in 32 bits fill 16 MiB of video memory.
inline constexpr std::uint64_t screen_max_pixels = 2560 * 1600;

/// Unit: bytes. Kernel command line (x86 COMMAND_LINE_SIZE is 2048).
inline constexpr std::size_t command_line_max_bytes = 2047;

}  // namespace lockstitch::limits
