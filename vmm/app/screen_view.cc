// See screen_view.h.
#include "vmm/app/screen_view.h"

#include <fmt/format.h>

#include "vmm/world/code_page_437.h"
#include "vmm/world/png_file.h"

namespace lockstitch::app {

namespace {

Error no_screen() { return {ExitCode::unavailable, "this machine has no screen"}; }

}  // namespace

Result<std::string> screen_text(const Screen* screen) {
  if (screen == nullptr) return no_screen();
  if (const auto text = screen->text()) return world::text_of(*text);
  Picture picture;
  screen->draw(picture);
  return Error{ExitCode::unavailable,
               fmt::format("the screen shows graphics, {} by {} pixels, and no text; make a screenshot", picture.width,
                           picture.height)};
}

Outcome screen_to_file(const Screen* screen, const std::string& path) {
  if (screen == nullptr) return no_screen();
  Picture picture;
  screen->draw(picture);
  return world::write_png(path, picture);
}

}  // namespace lockstitch::app
