// Every command of the command line, each in a file of its own name.
#pragma once

#include "cli/command.h"

namespace remit::cli {

// How people meet the commands of the root: in `remit --help`, in completion and in docs/reference/cli.md. Groups by what one is about to do, and in
// each what is used most comes first. INVARIANT: every command that is not hidden stands in exactly one.
struct CommandGroup {
  std::string title;
  std::vector<std::string> commands;
};
const std::vector<CommandGroup>& CommandGroups();

void AddCommands(Command& root);

void AddInit(Command& root);
void AddServe(Command& root);
void AddDev(Command& root);
void AddRun(Command& root);
void AddTasks(Command& root);      // start, show, list, complete, withdraw, revoke, token, receipt
void AddLife(Command& root);       // suspend, resume, extend, delegate
void AddApprovals(Command& root);  // approvals, approve, deny
void AddOffboard(Command& root);
void AddEvents(Command& root);
void AddCompletion(Command& root);
void AddDoctor(Command& root);
void AddBackup(Command& root);  // backup, restore
void AddPeople(Command& root);  // person, sign-in, sign-out, whoami
void AddActor(Command& root);
void AddKey(Command& root);
void AddCheck(Command& root);  // check, explain
void AddCatalog(Command& root);
void AddFacts(Command& root);
void AddFactsSync(Command& facts);  // below `facts`
void AddSecret(Command& root);
void AddTarget(Command& root);  // target, sweep
void AddLedger(Command& root);
void AddScan(Command& root);     // scan postgres, scan propose
void AddReplace(Command& root);  // plan, apply, rollback, status

}  // namespace remit::cli
