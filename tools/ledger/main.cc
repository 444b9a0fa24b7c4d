// ledger: an SQL client that proves that no acknowledged transaction was lost.
//   ledger run   --host H [--port P] --history FILE [--seconds N] [--rate N] [--verbose]
//   ledger check --host H [--port P] --history FILE
// Both end with one JSON object on stdout. Exit codes: 0 all well; 1 the connection broke or an answer stayed out
// (run), something acknowledged is not in the table as it was sent, or what was never sent is (check); 64 and above:
// sentences. Check a history before the next run begins: the rows of a later run are unexpected ones.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "tools/ledger/check.h"
#include "tools/ledger/run.h"
#include "tools/ledger/stop_signal.h"

using namespace lockstitch;

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const int stop_fd = ledger::watch_for_stop();
  ledger::RunOptions options;
  options.address.port = 5432;

  CLI::App app{"Inserts rows into PostgreSQL and proves that none that was acknowledged is lost."};
  app.require_subcommand(1);
  CLI::App& run = *app.add_subcommand("run", "insert rows, one transaction each, on one connection");
  CLI::App& check = *app.add_subcommand("check", "compare the history of a run with the table");
  for (CLI::App* command : {&run, &check}) {
    command->add_option("--host", options.address.host, "where PostgreSQL listens")->required();
    command->add_option("--port", options.address.port, "its TCP port")->check(CLI::Range(1, 65535));
    command->add_option("--history", options.history_path, "what was acknowledged: `id sent_ns acked_ns` a line")
        ->required();
  }
  run.add_option("--seconds", options.seconds, "how long; 0: until SIGTERM or SIGINT")->check(CLI::Range(0, 1'000'000));
  run.add_option("--rate", options.rate, "transactions a second; 0: as fast as answers come")
      ->check(CLI::Range(0, 1'000'000));
  run.add_flag("--verbose", options.verbose, "a JSON line a second on stdout");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : int(ExitCode::usage);
  }

  const Result<int> ended =
      run.parsed() ? ledger::run(options, stop_fd) : ledger::check(options.address, options.history_path, stop_fd);
  if (ended) return ended.value();
  std::fprintf(stderr, "ledger: %s\n", ended.error().text.c_str());
  return int(ended.error().code);
}
