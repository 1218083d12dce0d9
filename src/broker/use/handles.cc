// Who holds a handle, and of what.
#include "broker/use/handles.h"

#include "broker/core.h"

namespace remit::broker {

using Kind = Caller::Kind;

Caller Broker::FindHandle(std::string_view handle) const {
  return core_->Locked([&] {
    Caller caller;
    bool holder = false;
    LiveTask* live = core_->handles.Find(handle, &holder);
    // A holder key is good as soon as the request is there (to withdraw it); a token only while its task is active.
    if (live == nullptr || live->latched || core_->Now() >= live->deadline() || (!holder && !core_->trees.Usable(*live))) return caller;
    caller.kind = holder ? Kind::kHolder : Kind::kTask;
    caller.task = live->id();
    return caller;
  });
}

std::string Broker::TaskOfHandle(std::string_view handle) const {
  return core_->Locked([&] {
    const LiveTask* live = core_->handles.Find(handle);
    return live == nullptr ? std::string() : live->id();
  });
}

void Handles::Add(LiveTask& live, const Hash& token, const Hash& holder) {
  handles_[token] = {&live, false};
  handles_[holder] = {&live, true};
}

void Handles::Remove(const task::TaskRecord& record) {
  handles_.erase(record.token_hash);
  handles_.erase(record.holder_hash);
}

LiveTask* Handles::Find(std::string_view handle, bool* holder) const {
  // The handle is looked up by its hash: how long that takes says nothing about handles that exist.
  auto found = handles_.find(identity::HandleHash(handle));
  if (found == handles_.end()) return nullptr;
  if (holder) *holder = found->second.holder;
  return found->second.live;
}

}  // namespace remit::broker
