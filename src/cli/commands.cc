#include "cli/commands.h"

namespace remit::cli {

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
