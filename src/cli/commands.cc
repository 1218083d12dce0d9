#include "cli/commands.h"

namespace remit::cli {

const std::vector<CommandGroup>& CommandGroups() {
  static const std::vector<CommandGroup> groups = {
      {"Run tasks", {"run", "start", "delegate", "explain", "check", "secret", "token"}},
      {"Follow and end them", {"list", "show", "events", "complete", "extend", "suspend", "resume", "revoke", "withdraw", "receipt"}},
      {"Approve and review", {"sign-in", "approvals", "approve", "deny", "review", "whoami", "sign-out"}},
      {"Declare", {"catalog", "facts"}},
      {"Administer", {"person", "actor", "offboard", "target", "sweep", "key", "ledger"}},
      {"Replace standing access", {"scan", "replace"}},
      {"Serve", {"dev", "init", "serve", "doctor", "backup", "restore"}},
      {"Find your way", {"help", "completion"}},
  };
  return groups;
}

void AddCommands(Command& root) {
  AddRun(root);
  AddTasks(root);
  AddLife(root);
  AddApprovals(root);
  AddEvents(root);
  AddCheck(root);
  AddCatalog(root);
  AddFacts(root);
  AddSecret(root);
  AddTarget(root);
  AddScan(root);
  AddLedger(root);
  AddReplace(root);
  AddActor(root);
  AddKey(root);
  AddPeople(root);
  AddOffboard(root);
  AddInit(root);
  AddServe(root);
  AddDev(root);
  AddDoctor(root);
  AddBackup(root);
  AddCompletion(root);
}

}  // namespace remit::cli
