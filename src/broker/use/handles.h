// Who holds what: REMIT_TOKENs and holder keys, and the tasks that they are of.
#pragma once

#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "broker/live/live_task.h"
#include "identity/handle.h"

namespace remit::broker {

class Handles {
 public:
  void Add(LiveTask& live, const Hash& token, const Hash& holder);
  void Remove(const task::TaskRecord& record);  // its task is over: both are nobody's
  // The task that a handle is of; `holder` says whether it is the holder key. Null where it is unknown, or belongs to nothing any more. What such a
  // task may is another question.
  LiveTask* Find(std::string_view handle, bool* holder = nullptr) const;

 private:
  struct Handle {
    LiveTask* live;
    bool holder;
  };
  std::unordered_map<Hash, Handle, identity::HandleHashHasher> handles_;  // of tasks that live
};

}  // namespace remit::broker
