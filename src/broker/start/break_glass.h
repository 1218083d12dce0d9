// Starts without approval, and the reviews that stay open until somebody signs them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "task/task.h"

namespace remit::broker {

class Core;

class BreakGlassStarts {
 public:
  explicit BreakGlassStarts(Core& core) : core_(core) {}

  // Lifts the wait for people from `record`, of a start that is denied by nothing but missing approvals. Errors: `break-glass-denied`.
  Status Admit(const Caller& by, const task::TaskType& type, const cedar::Entity& entity, task::TaskRecord& record);
  // Opens the review of what is about to start: its row goes into the batch, and it counts at once. Answers the event, which names who should have
  // been asked. TakeBack where the commit failed.
  json::Value OpenReview(const task::TaskRecord& started, store::Batch& batch);
  void TakeBack(const std::string& task) { open_reviews_.erase(task); }
  Status LoadReviews();                          // when the broker opens. Errors: `store-corrupt`, the store's
  std::vector<std::string> OpenReviews() const;  // the tasks' ids
  std::uint32_t OpenReviewsOf(const cedar::EntityUid& actor) const;
  // Whether they are somebody who signs for it. Errors: `not-a-person`, `session-too-old`, `unknown-task`, `review-denied`.
  Status MaySign(const Caller& by, const task::TaskRecord& record);
  // Whether they stand in the chain of a task below this one. Not under the mutex: reads all tasks from the store, since a review is rare.
  Result<bool> DidAPart(const std::string& task, const cedar::EntityUid& who) const;
  // `row`: the task's, as it was read; the review is closed by the commit that finds it so. Errors: MaySign's, `already-reviewed`, `no-review`.
  void SignReview(const Caller& by, const task::TaskRecord& record, const std::string& row, const std::string& note, Answer<json::Value> answer);

 private:
  json::Value EventOf(const task::TaskRecord& started);

  Core& core_;
  std::map<std::string, cedar::EntityUid> open_reviews_;  // tasks started by break-glass, and their actors
};

}  // namespace remit::broker
