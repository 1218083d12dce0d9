// Decisions of live tasks, their obligations, and answers that are given once.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/live_task.h"
#include "task/decision.h"

namespace remit::broker {

class Core;

class Uses {
 public:
  explicit Uses(Core& core) : core_(core) {}

  struct Judged {
    UseAnswer answer;
    task::Decision decision;
    std::uint32_t approvals_needed = 0;  // where it needs approval: how many people must say yes
    LiveTask* live = nullptr;
    // Of the tasks above it, whose own forbids are lifted too: what that costs each.
    std::vector<std::pair<LiveTask*, std::vector<task::Charge>>> above;
  };
  Judged Judge(const UseRequest& request, bool count);
  bool MayEnforce(const Caller& by, const cedar::EntityUid& resource);
  void Evaluate(const Caller& by, const UseRequest& request, const std::string& idempotency, Answer<UseAnswer> answer);
  void EvaluateOnce(const Caller& by, UseRequest request, Answer<UseAnswer> answer);
  void Use(const UseRequest& request, const std::string& idempotency, store::Batch extra, Answer<UseAnswer> answer);
  // Uses with an idempotency key that are being decided: whoever comes with the same key meanwhile waits for the same answer.
  struct KeyedUse {
    std::string question;
    std::vector<std::pair<std::string, Answer<UseAnswer>>> others;  // their questions, and where they wait
  };

 private:
  task::Decision JudgeOne(LiveTask& one, LiveTask& asker, const UseRequest& request, const cedar::Value& context, std::uint32_t& approvals_needed);
  Status Spend(LiveTask& live, const UseRequest& request, const std::vector<task::Charge>& charges, store::Batch& batch);
  std::shared_ptr<const cedar::Entity> ResourceEntity(const UseRequest& request) const;
  Result<cedar::Value> ContextOf(const UseRequest& request, const Zone* zone) const;
  void Count(LiveTask& live);
  void AskForUse(const UseRequest& request, Judged judged, Answer<UseAnswer> answer);
  std::unordered_map<std::string, KeyedUse> keyed_uses_;

  Core& core_;
};

}  // namespace remit::broker
