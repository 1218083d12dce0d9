// Approvals of one use within a task: asked for by the decision that needs them, and spent by it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/live_task.h"
#include "broker/use_approval.h"

namespace remit::broker {

class Core;

class UseApprovals {
 public:
  explicit UseApprovals(Core& core) : core_(core) {}

  void Approve(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer);
  json::Value ApprovalJson(const UseApproval& approval);
  UseApproval* Find(const LiveTask& live, const UseRequest& request);
  std::vector<std::string> Of(const std::string& task) const;
  UseApproval& Keep(UseApproval approval);
  void Forget(const std::string& id);
  UseApproval& Ask(LiveTask& live, const UseRequest& request, std::uint32_t needed, store::Batch& batch);
  std::map<std::string, UseApproval> waiting;  // by id

 private:
  UseApproval AskedBy(const LiveTask& live, const UseRequest& request) const;
  std::map<std::pair<std::string, std::string>, std::string> asked_questions_;  // their ids, by task and question

  Core& core_;
};

}  // namespace remit::broker
