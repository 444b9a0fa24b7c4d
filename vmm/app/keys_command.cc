// See keys_command.h.
#include "vmm/app/keys_command.h"

#include <fmt/format.h>

#include "sync/peer/key_request.h"
#include "vmm/app/flag_parser.h"
#include "vmm/app/message.h"

namespace lockstitch::app {

Result<int> keys(const std::vector<std::string>& arguments) {
  sync::KeyRequest request;
  std::string days;
  CLI::App app(wrapped("Make keys by which the members of a pair know each other: an authority, and a folder for each "
                       "member, to be copied to its host. The authority's own key stays where it is made."),
               "lockstitch keys");
  app.add_option("MEMBER", request.members, "names; default: a b witness");
  app.add_option("-o,--output", request.folder, "the folder; one that has an authority gets more members")
      ->type_name("DIR");
  app.add_option("--days", days, fmt::format("how long they are valid; default: {}", request.days))->type_name("N");
  const auto parsed = parse_flags(app, arguments, "name members");
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) {
    fmt::print("{}", app.help());
    return 0;
  }
  if (request.folder.empty()) return Error{ExitCode::usage, "-o is missing; name a folder for the keys"};
  if (request.members.empty()) request.members = {"a", "b", "witness"};
  if (!days.empty()) {
    const auto number = parse_whole_number(days);
    if (!number.ok()) return Error{ExitCode::usage, "--days: " + number.error().text};
    request.days = number.value();
  }
  if (const Outcome made = sync::make_keys(request); !made.ok()) return made.error();
  for (const std::string& member : request.members) {
    say(fmt::format("'{}/{}' holds the keys of '{}'; copy the folder to its host and to nobody else", request.folder,
                    member, member));
  }
  return 0;
}

}  // namespace lockstitch::app
