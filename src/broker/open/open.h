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

  // When the last event was, and whether the clock is behind it. Errors: the store's.
  Status LoadLastEvent();
  // Everything that lives, into memory; `epoch` is set before. Not under the mutex: nobody else is there yet. Errors: `store-corrupt`, the store's.
  Status Load();
  // Once, after that: what should have ended goes on to its end, and so does a task whose credentials were being made.
  void TakeUp();
  Epoch epoch;
  bool loaded = false;  // before that nothing is looked at, however late it is

 private:
  Status LoadCatalogs();
  Status LoadDirectory();
  Status LoadTasks();
  Status LoadCredentials();
  std::vector<std::string> of_before_;  // tasks of an epoch that is over, until TakeUp ends them

  Core& core_;
};

}  // namespace remit::broker
