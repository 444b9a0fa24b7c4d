// The pixels that the adapter shows, from its registers and video memory alone. Not here: characters (text_view.h).
#pragma once
#include "devices/video/dispi.h"
#include "devices/video/vga_registers.h"
#include "lockstitch/screen.h"
#include "lockstitch/types.h"

namespace lockstitch {

/// Every scan line and every dot of a VGA mode, doubled ones as often as a monitor shows them; the pixels of a dispi
/// mode. Clipped at the bottom to limits::screen_max_pixels. Precondition: memory holds at least the 256 KiB of a VGA.
void draw_picture(const VgaRegisters& vga, const Dispi& dispi, Bytes memory, Picture& picture);

/// What is shown when nothing is shown.
void draw_black(Picture& picture);

}  // namespace lockstitch
