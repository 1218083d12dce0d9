// Decisions of live tasks, and their obligations.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/live/live_task.h"
#include "task/decision.h"
#include "task/life.h"

namespace remit::broker {

class Core;

UseAnswer DenyFor(std::string_view reason);

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
  // The task that a request names, by its token where it has one; `holder`: that was a holder key. Null where none lives.
  LiveTask* TaskOf(const UseRequest& request, bool* holder = nullptr);
  // Decides, and spends nothing. `count`: it is an enforcement, which is counted, and where policy denies it may trip the task.
  Judged Judge(const UseRequest& request, bool count);
  // Whether the caller is a PEP for this resource: an actor whom the catalog in force permits `enforce`.
  bool MayEnforce(const Caller& by, const cedar::EntityUid& resource);
  // The answer to a question of somebody who may enforce, and says of the resource what they are not registered to vouch for; nothing of others.
  std::optional<UseAnswer> NotVouchedFor(const Caller& by, const UseRequest& request) const;
  // Use, for a PEP; a deny to anybody else. `idempotency`: as for Use.
  void Evaluate(const Caller& by, const UseRequest& request, const std::string& idempotency, Answer<UseAnswer> answer);
  // Judges, spends what an allow costs, and answers. Where one task of the chain cannot be charged, none is. What is spent is so in memory before
  // the commit, and stays so where that fails; an allow that costs nothing and has no `extra` commits nothing. `extra` goes into the same commit, of
  // an allow alone. `idempotency`: the key under which KeyedUses keeps the answer; "" for none. Where people must be asked first, the answer names
  // their approval. Errors: those of task::Spend.
  void Use(const UseRequest& request, const std::string& idempotency, store::Batch extra, Answer<UseAnswer> answer);

 private:
  std::optional<UseAnswer> DenyOfAll(LiveTask& live);
  Judged JudgeChain(LiveTask& live, const UseRequest& request);
  task::Decision JudgeOne(LiveTask& one, LiveTask& asker, const UseRequest& request, const cedar::Value& context, std::uint32_t& approvals_needed);
  // What one task is charged for a use.
  struct Payment {
    LiveTask* live;
    task::Transition spent;
  };
  Result<std::vector<Payment>> PaymentsFor(Judged& judged, const UseRequest& request);
  void Pay(std::vector<Payment> payments, store::Batch& batch);
  void SpendApproval(const Judged& judged, const UseRequest& request, store::Batch& batch);
  void Count(LiveTask& live, const UseAnswer& answer);
  void AskForUse(const UseRequest& request, Judged judged, Answer<UseAnswer> answer);

  Core& core_;
};

}  // namespace remit::broker
