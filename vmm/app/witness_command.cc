// See witness_command.h.
#include "vmm/app/witness_command.h"

#include <fmt/format.h>

#include "sync/peer/witness_process.h"
#include "vmm/app/flag_parser.h"

namespace lockstitch::app {

Result<int> witness(const std::vector<std::string>& arguments) {
  sync::WitnessOptions options;
  CLI::App app(wrapped("Keep the terms of pairs, so that of two replicas that do not see each other only one runs on. "
                       "It never holds a guest; run it on a third host. Ends with SIGINT or SIGTERM."),
               "lockstitch witness");
  app.add_option("--listen", options.listen, "where members reach it; *:PORT: on every address")
      ->type_name("ADDR:PORT");
  app.add_option("--keys", options.keys, "the witness's folder of those made by `lockstitch keys`")->type_name("DIR");
  app.add_option("--state", options.state, "where it keeps the terms; made if missing")->type_name("DIR");
  const auto parsed = parse_flags(app, arguments, "a witness takes flags only");
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) {
    fmt::print("{}", app.help());
    return 0;
  }
  if (options.listen.empty()) return Error{ExitCode::usage, "--listen is missing; name an address and a port"};
  if (options.keys.empty()) return Error{ExitCode::usage, "--keys is missing; make some with `lockstitch keys`"};
  if (options.state.empty()) return Error{ExitCode::usage, "--state is missing; name a folder for the terms"};
  return sync::serve_witness(options);
}

}  // namespace lockstitch::app
