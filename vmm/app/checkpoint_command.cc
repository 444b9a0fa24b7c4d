// See checkpoint_command.h.
#include "vmm/app/checkpoint_command.h"

#include <fmt/format.h>

#include "vmm/app/flag_parser.h"
#include "vmm/app/message.h"
#include "vmm/app/prepared_replay.h"
#include "vmm/world/control_socket.h"

namespace lockstitch::app {

namespace {

Result<int> checkpoint_by_replay(const std::string& trace, const std::string& at,
                                 const std::vector<std::string>& images) {
  const auto tick = parse_whole_number(at);
  if (!tick.ok()) return Error{ExitCode::usage, "--at: " + tick.error().text};
  ReplayOptions options;
  options.from = options.to.emplace(Tick{tick.value()});
  auto prepared = prepare_replay(trace, options, images);
  if (!prepared.ok()) return prepared.error();
  Session session(prepared.value().settings, Mode::replay, {});
  const auto reached = replay_to_goal(prepared.value(), session);
  if (!reached.ok() || reached.value() != 0) return reached;

  const OpenTrace& open_trace = *prepared.value().trace;
  auto writer = sync::CheckpointWriter::open(open_trace.folder().checkpoints(), open_trace.identity(),
                                             region_shapes(session.machine(), session.written_disks()));
  if (!writer.ok()) return writer.error();
  Outcome added = writer.value()->add(take_snapshot(session.machine(), session.written_disks()));
  if (added.ok()) added = writer.value()->finish();
  if (!added.ok()) return added.error();
  say(fmt::format("checkpoint at tick {}", session.machine().tick().value));
  return 0;
}

}  // namespace

Result<int> make_checkpoint(const std::vector<std::string>& arguments) {
  std::string trace, at;
  std::vector<std::string> images;
  CLI::App app("Make a checkpoint of a recorded guest: now while it is being recorded, else at a tick by a replay.",
               "lockstitch checkpoint");
  app.add_option("TRACE", trace, "the trace's folder");
  app.add_option("--at", at, "the tick, of a recording that has ended")->type_name("TICK");
  add_images_flag(app, images);
  const auto parsed = parse_flags(app, arguments, "a checkpoint belongs to one trace");
  if (!parsed.ok()) return parsed.error();
  if (!parsed.value()) {
    fmt::print("{}", app.help());
    return 0;
  }
  if (trace.empty()) return Error{ExitCode::usage, "a trace is missing; name the folder that is being recorded"};
  const auto answer = world::ask_control_socket(sync::TraceFolder(trace).control(), "checkpoint");
  if (!answer.ok()) return answer.error();
  if (!answer.value()) {
    if (at.empty()) {
      return Error{ExitCode::usage, fmt::format("nobody is recording '{}' now; name a tick of it with --at", trace)};
    }
    return checkpoint_by_replay(trace, at, images);
  }
  if (!at.empty()) {
    return Error{ExitCode::usage,
                 fmt::format("'{}' is still being recorded; without --at its machine is saved now", trace)};
  }
  if (!answer.value()->starts_with("ok ")) {
    return Error{ExitCode::world, fmt::format("the recording made no checkpoint: {}",
                                              answer.value()->substr(answer.value()->find(' ') + 1))};
  }
  say(fmt::format("checkpoint at tick {}", answer.value()->substr(3)));
  return 0;
}

}  // namespace lockstitch::app
