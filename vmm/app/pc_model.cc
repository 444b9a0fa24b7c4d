// See pc_model.h.
#include "vmm/app/pc_model.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

namespace lockstitch::app {

namespace {

constexpr std::array<std::string_view, 3> firmware_names{"none", "bios", "uefi"};
constexpr std::array<std::string_view, 2> bus_names{"virtio", "ide"};
constexpr std::array<std::string_view, 2> card_names{"virtio", "e1000"};
constexpr std::array<std::string_view, 3> boot_names{"disk", "cdrom", "network"};
constexpr std::array<std::string_view, 2> flag_names{"no", "yes"};

template <class T, std::size_t N>
bool find(const std::array<std::string_view, N>& names, std::string_view word, T& to) {
  const auto at = std::find(names.begin(), names.end(), word);
  if (at != names.end()) to = static_cast<T>(at - names.begin());
  return at != names.end();
}

template <class T, std::size_t N>
std::string joined(const std::array<std::string_view, N>& names, const std::vector<T>& values) {
  std::string text;
  for (const T value : values) text += (text.empty() ? "" : ",") + std::string(names[static_cast<std::size_t>(value)]);
  return text;
}

template <class T, std::size_t N>
bool split(const std::array<std::string_view, N>& names, const std::string& text, std::vector<T>& to) {
  to.clear();
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (!find(names, word, to.emplace_back())) return false;
  }
  return true;
}

}  // namespace

std::string to_text(const PcModel& m) {
  const auto flag = [](bool value) { return std::string(flag_names[value]); };
  return "firmware=" + std::string(firmware_names[static_cast<std::size_t>(m.firmware)]) + " cdrom=" + flag(m.cdrom) +
         " display=" + flag(m.display) + " tablet=" + flag(m.tablet) + " hpet=" + flag(m.hpet) +
         " hyperv=" + flag(m.hyperv) + " card=" + std::string(card_names[static_cast<std::size_t>(m.card)]) +
         " buses=" + joined(bus_names, m.buses) + " boot=" + joined(boot_names, m.boot_order) +
         " menu=" + flag(m.boot_menu);
}

Result<PcModel> pc_model_of(const std::string& text) {
  PcModel m;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == word.npos ? "" : word.substr(equals + 1);
    const bool known = key == "firmware"  ? find(firmware_names, value, m.firmware)
                       : key == "cdrom"   ? find(flag_names, value, m.cdrom)
                       : key == "display" ? find(flag_names, value, m.display)
                       : key == "tablet"  ? find(flag_names, value, m.tablet)
                       : key == "hpet"    ? find(flag_names, value, m.hpet)
                       : key == "hyperv"  ? find(flag_names, value, m.hyperv)
                       : key == "card"    ? find(card_names, value, m.card)
                       : key == "buses"   ? split(bus_names, value, m.buses)
                       : key == "boot"    ? split(boot_names, value, m.boot_order)
                       : key == "menu"    ? find(flag_names, value, m.boot_menu)
                                          : false;
    if (!known) return Error{ExitCode::bad_input, "a PC with '" + word + "' is not known here"};
  }
  return m;
}

}  // namespace lockstitch::app
