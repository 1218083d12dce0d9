// Reading: what is shown of tasks, and to whom.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/live_task.h"

namespace remit::broker {

class Core;

class Views {
 public:
  explicit Views(Core& core) : core_(core) {}

  std::vector<task::CredentialRecord> CredentialsOf(const task::TaskRecord& record);
  void ListLive(const Caller& by, const ListFilter& filter, const std::function<bool(const task::TaskRecord&)>& matches,
                std::vector<task::TaskRecord>& found);
  Result<task::TaskRecord> Visible(const Caller& by, const std::string& id);

 private:
  Core& core_;
};

}  // namespace remit::broker
