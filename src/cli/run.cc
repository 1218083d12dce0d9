// remit run: a task for as long as one command runs.
#include "cli/commands.h"
#include "cli/parameters.h"
#include "cli/run/session.h"

namespace remit::cli {

void AddRun(Command& root) {
  struct Args {
    StartWords start;
    std::string under, kill_after = "10s", wait = "1h";
    std::vector<std::string> command;
    bool quiet = false, isolate = false;
  };
  auto args = std::make_shared<Args>();
  root.Sub("run", "starts a task, runs a command with what the task holds, and ends the task when the command ends")
      .Argument("type", args->start.type, "the task type, by its name")
      .Arguments("parameters", args->start.parameters, "name=value …")
      .Option("--reason", args->start.reason, "why, for the record")
      .Option("--ttl", args->start.ttl, "how long it may live, e.g. 30m", "DURATION")
      .Option("--at", args->start.at, "waits until then, e.g. 2026-12-05T02:00+01:00; approved before, if people must", "TIME")
      .Flag("--break-glass", args->start.break_glass, "in an emergency: without the approvals that it needs; give a --reason, somebody will ask")
      .Option("--under", args->under, "as a sub-task of this task: it may what both may, and never outlives it", "TASK")
      .Option("--kill-after", args->kill_after, "if the task ends first: from SIGTERM to SIGKILL (default 10s)", "DURATION")
      .Option("--wait", args->wait, "how long to wait for approval (default 1h)", "DURATION")
      .Flag("--isolate", args->isolate, "the command gets a user (as root) and namespaces of its own; refused where the machine cannot")
      .Flag("--quiet", args->quiet, "say only what is wrong")
      .Rest("COMMAND...", args->command, "the command and its arguments, as they stand")
      .Example(
          "remit run deploy service=checkout environment=prod -- ./deploy.sh\nremit run maintenance tables=orders/public.invoices -- "
          "psql -c 'SELECT 1'")
      .Run([args]() -> Result<int> {
        if (args->command.empty())
          return Fail(Code::kInvalidArgument, "no-command", "which command?",
                      "write it behind `--`: remit run " + args->start.type + " … -- COMMAND");
        RunOptions options{.parent = args->under, .command = args->command, .quiet = args->quiet, .isolate = args->isolate};
        REMIT_ASSIGN(options.start, StartBody(args->start, true));
        REMIT_ASSIGN(options.kill_after, ParseDuration(args->kill_after));
        REMIT_ASSIGN(options.wait, ParseDuration(args->wait));
        return RunTask(options);
      });
}

}  // namespace remit::cli
