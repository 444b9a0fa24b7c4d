// The bits of a UHCI host controller's registers and of what it reads from memory. Source: UHCI 1.1 chapters 2 and 3.
#pragma once
#include <cstdint>

namespace lockstitch::uhci {

enum Register : unsigned {
  command = 0x00,
  status = 0x02,
  interrupt_enable = 0x04,
  frame_number = 0x06,
  frame_list = 0x08,
  start_of_frame = 0x0c,
  first_port = 0x10
};

inline constexpr std::uint16_t command_run = 1u << 0, command_host_reset = 1u << 1, command_global_reset = 1u << 2,
                               command_global_suspend = 1u << 3, command_global_resume = 1u << 4, command_mask = 0xff;
inline constexpr std::uint16_t status_interrupt = 1u << 0, status_error = 1u << 1, status_resume = 1u << 2,
                               status_system_error = 1u << 3, status_process_error = 1u << 4, status_halted = 1u << 5,
                               status_clearable = 0x1f;
inline constexpr std::uint16_t enable_error = 1u << 0, enable_resume = 1u << 1, enable_complete = 1u << 2,
                               enable_short = 1u << 3, enable_mask = 0x0f;
inline constexpr std::uint16_t frame_number_mask = 0x07ff;
inline constexpr std::uint32_t frame_list_mask = 0xffff'f000, frame_list_entries = 1024;
inline constexpr std::uint8_t start_of_frame_default = 64, start_of_frame_mask = 0x7f;

inline constexpr std::uint16_t port_connected = 1u << 0, port_connect_change = 1u << 1, port_enabled = 1u << 2,
                               port_enable_change = 1u << 3, port_d_plus = 1u << 4, port_d_minus = 1u << 5,
                               port_resume = 1u << 6, port_always_one = 1u << 7, port_low_speed = 1u << 8,
                               port_reset = 1u << 9, port_suspended = 1u << 12;

// Links between what lies in memory, low bits.
inline constexpr std::uint32_t link_end = 1, link_queue = 2, link_depth = 4, link_address = 0xffff'fff0;

// A transfer descriptor: link, status, token, buffer.
inline constexpr std::uint32_t td_length_mask = 0x7ff, td_nothing = 0x7ff, td_timeout = 1u << 18, td_nak = 1u << 19,
                               td_babble = 1u << 20, td_stalled = 1u << 22, td_active = 1u << 23,
                               td_interrupt = 1u << 24, td_isochronous = 1u << 25, td_low_speed = 1u << 26,
                               td_errors_one = 1u << 27, td_errors = 3u << 27, td_short = 1u << 29,
                               td_result = 0x7fu << 16;  ///< what execution sets and clears, but for td_active
inline constexpr std::uint32_t token_setup = 0x2d, token_in = 0x69, token_out = 0xe1;
/// Unit: bytes. A longer packet is a fault of the driver.
inline constexpr std::uint32_t td_length_limit = 1280;

}  // namespace lockstitch::uhci
