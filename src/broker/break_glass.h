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

  Status BreakGlass(const Caller& by, const task::TaskType& type, const cedar::Entity& entity, task::TaskRecord& record);
  json::Value BreakGlassEvent(const task::TaskRecord& started);
  store::Write ReviewWrite(const task::TaskRecord& started) const;
  Status LoadReviews();
  std::uint32_t OpenReviewsOf(const cedar::EntityUid& actor) const;
  Status MaySign(const Caller& by, const task::TaskRecord& record);
  Result<bool> DidAPart(const std::string& task, const cedar::EntityUid& who) const;
  void SignReview(const Caller& by, const task::TaskRecord& record, const std::string& row, const std::string& note, Answer<json::Value> answer);
  std::map<std::string, cedar::EntityUid> open_reviews;  // tasks started by break-glass, and their actors

 private:
  Core& core_;
};

}  // namespace remit::broker
