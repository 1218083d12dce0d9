// Reading the store at the start, and taking up what a crash left.
#pragma once

#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/epoch.h"

namespace remit::broker {

class Core;

class Opening {
 public:
  explicit Opening(Core& core) : core_(core) {}

  Status Load();
  Status LoadLastEvent();
  void TakeUp();
  Epoch epoch;
  bool loaded = false;  // before that nothing is looked at, however late it is

 private:
  Status LoadCatalogs();
  Status LoadDirectory();
  Status LoadTasks();
  Status LoadCredentials();
  std::vector<std::string> of_before_;  // tasks of an epoch that is over, until Resume ends them

  Core& core_;
};

}  // namespace remit::broker
