// Approvals of one use within a task: asked for by the decision that needs them, and spent by it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "broker/live/use_approval.h"

namespace remit::broker {

class Core;

class UseApprovals {
 public:
  explicit UseApprovals(Core& core) : core_(core) {}

  // By a person in a recent session, of a task that is not busy. The yes counts after its commit; the next use of the same question spends it.
  // Errors: `unknown-approval`, `approve-denied`, `own-request`, `request-changed`, `already-approved`.
  void Approve(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer);
  json::Value ApprovalJson(const UseApproval& approval);               // as those see it who answer it
  UseApproval* Find(const LiveTask& live, const UseRequest& request);  // of the same question, expired or not; else null
  std::vector<std::string> Of(const std::string& task) const;          // ids
  // Asks people: in memory at once, with its row and its event in the batch. Forget where the commit failed.
  UseApproval& Ask(LiveTask& live, const UseRequest& request, std::uint32_t needed, store::Batch& batch);
  // Both in memory alone.
  UseApproval& Keep(UseApproval approval);
  void Forget(const std::string& id);
  std::map<std::string, UseApproval> waiting;  // by id; changed by Keep and Forget, but for who said yes

 private:
  UseApproval AskedBy(const LiveTask& live, const UseRequest& request) const;
  std::map<std::pair<std::string, std::string>, std::string> asked_questions_;  // their ids, by task and question

  Core& core_;
};

}  // namespace remit::broker
