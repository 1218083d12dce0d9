// Starts without approval, and the reviews that stay open until somebody signs them.
#pragma once

#include <map>
#include <string>

#include "broker/broker.h"
#include "task/task.h"

namespace remit::broker {

class Core;

class BreakGlassStarts {
 public:
  explicit BreakGlassStarts(Core& core) : core_(core) {}

  // Lifts the wait for people from `record`, of a start that is denied by nothing but missing approvals. Errors: `break-glass-denied`.
  Status BreakGlass(const Caller& by, const task::TaskType& type, const cedar::Entity& entity, task::TaskRecord& record);
  json::Value BreakGlassEvent(const task::TaskRecord& started);     // names who should have been asked
  store::Write ReviewWrite(const task::TaskRecord& started) const;  // the row of its open review
  Status LoadReviews();                                             // when the broker opens. Errors: `store-corrupt`, the store's
  std::uint32_t OpenReviewsOf(const cedar::EntityUid& actor) const;
  // Whether they are somebody who signs for it. Errors: `not-a-person`, `session-too-old`, `unknown-task`, `review-denied`.
  Status MaySign(const Caller& by, const task::TaskRecord& record);
  // Whether they stand in the chain of a task below this one. Not under the mutex: reads all tasks from the store, since a review is rare.
  Result<bool> DidAPart(const std::string& task, const cedar::EntityUid& who) const;
  // `row`: the task's, as it was read; the review is closed by the commit that finds it so. Errors: MaySign's, `already-reviewed`, `no-review`.
  void SignReview(const Caller& by, const task::TaskRecord& record, const std::string& row, const std::string& note, Answer<json::Value> answer);
  std::map<std::string, cedar::EntityUid> open_reviews;  // tasks started by break-glass, and their actors

 private:
  Core& core_;
};

}  // namespace remit::broker
