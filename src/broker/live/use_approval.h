// An approval of a use within a task, as its row.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "cedar/value.h"
#include "json/value.h"
#include "task/task.h"

namespace remit::broker {

// An approval of a use within a task (the approval of a start is the task itself).
struct UseApproval {
  std::string id, task;
  cedar::EntityUid action, resource;
  json::Value attributes = json::Object{}, context = json::Object{};  // what the asker said of the resource, where that counts, and of the use
  Hash hash{};
  std::uint32_t needed = 1;
  std::vector<task::Yes> yes;
  Time requested{}, expires{};

  // INVARIANT: everything that the asker said and the decision may depend on: a yes to one question is none to another.
  std::string Question() const;
  json::Value ToJson() const;
  static Result<UseApproval> FromJson(const json::Value& document);
};

}  // namespace remit::broker
