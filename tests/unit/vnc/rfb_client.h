// A viewer as small as can be: RFC 6143, raw rectangles, the pixel format that the server has.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lockstitch/screen.h"
#include "vmm/world/descriptor.h"

namespace lockstitch::test {

struct RfbRectangle {
  unsigned x = 0, y = 0, width = 0, height = 0;
};

class RfbClient {
 public:
  /// Nothing: nobody listens there.
  static std::optional<RfbClient> connect(std::uint16_t port);

  /// Up to the ServerInit. False: refused. `password` empty: none is given.
  bool shake_hands(const std::string& password = "");
  /// Asks for an update and waits for it. False: the connection is over.
  bool update(bool incremental);
  void key(std::uint32_t keysym, bool down);
  void pointer(unsigned x, unsigned y, unsigned buttons);
  /// Bytes as they are.
  bool send(const std::vector<std::uint8_t>& bytes);
  /// The server has closed it.
  bool closed();

  std::vector<std::uint8_t> security_types;
  std::string name;
  Picture picture;                       ///< as it would be shown
  std::vector<RfbRectangle> rectangles;  ///< of the latest update
  unsigned resized = 0;                  ///< how often

 private:
  explicit RfbClient(world::Descriptor fd) : fd_(std::move(fd)) {}

  std::optional<std::vector<std::uint8_t>> receive(std::size_t bytes);
  std::optional<std::uint32_t> number(unsigned bytes);
  bool read_rectangle();

  world::Descriptor fd_;
};

}  // namespace lockstitch::test
