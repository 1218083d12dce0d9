// Reading: what is shown of tasks, and to whom. All of it takes the mutex itself and reads the store: never called under the mutex.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"

namespace remit::broker {

class Core;

class Views {
 public:
  explicit Views(Core& core) : core_(core) {}

  // Its credentials, whatever their state. One that cannot be read is left out: fewer than the record names.
  std::vector<task::CredentialRecord> CredentialsOf(const task::TaskRecord& record);
  // Adds live tasks that match and that the caller may see, in the order that is asked for, until there are as many as asked for.
  void ListLive(const Caller& by, const ListFilter& filter, const std::function<bool(const task::TaskRecord&)>& matches,
                std::vector<task::TaskRecord>& found);
  // The record, live or ended, as it is written down, if the caller may see it. Errors: `unknown-task`, the store's.
  Result<task::TaskRecord> Visible(const Caller& by, const std::string& id);

 private:
  Core& core_;
};

}  // namespace remit::broker
