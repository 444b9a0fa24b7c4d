// See entry_json.h.
#include "vmm/app/entry_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sync/log/entry_text.h"

namespace lockstitch::app {

namespace {

using Json = nlohmann::ordered_json;

std::string hex(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

struct Fill {
  Json& json;
  const std::vector<std::string>& ports;

  void operator()(const sync::ArrivalEntry& e) const {
    json["port"] = sync::port_name(e.port, ports);
    json["position"] = fmt::format("{:08x}", e.position.hash);
    json["payload"] = hex(e.payload);
  }
  void operator()(const sync::ControlEntry& e) const {
    json["control"] = sync::control_name(e.control.kind);
    json["argument"] = e.control.argument;
    json["position"] = fmt::format("{:08x}", e.position.hash);
  }
  void operator()(const sync::HorizonEntry&) const {}
  void operator()(const sync::DigestEntry& e) const { json["digest"] = lockstitch::to_text(e.digest); }
  void operator()(const sync::MarkEntry& e) const { json["text"] = e.text; }
  void operator()(const sync::EndEntry& e) const {
    json["reason"] = e.reason;
    json["argument"] = e.argument;
    json["digest"] = lockstitch::to_text(e.digest);
  }
};

}  // namespace

std::string to_json(const sync::Entry& entry, const std::vector<std::string>& ports) {
  Json json;
  json["tick"] = entry.tick.value;
  json["kind"] = sync::kind_name(entry);
  std::visit(Fill{json, ports}, entry.body);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lockstitch::app
