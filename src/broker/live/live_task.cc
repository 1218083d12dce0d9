#include "broker/live/live_task.h"

namespace remit::broker {

const task::TaskRecord& LiveTask::record() {
  if (!record_) {
    auto decoded = task::TaskRecord::Decode(stored_);
    REMIT_CHECK(decoded.has_value());  // INVARIANT: stored_ is what Encode wrote, or what was decoded once at start
    record_ = std::make_unique<task::TaskRecord>(*std::move(decoded));
  }
  return *record_;
}

LiveTask::LiveTask(task::TaskRecord record, std::string_view row) {
  Set(std::move(record));
  stored_ = row;
  record_.reset();
}

void LiveTask::Set(task::TaskRecord next) {
  if (id_.empty()) id_ = next.id, parent_ = next.parent, allowed = next.allowed, denied = next.denied;
  ++version_;
  state_ = next.state;
  deadline_ = next.deadline;
  heartbeat_ = next.heartbeat;
  asks_for_more_ = next.extension.has_value();
  not_before_ = next.not_before;
  record_ = std::make_unique<task::TaskRecord>(std::move(next));
  stored_.clear();
  entity.reset();
}

std::string LiveTask::Encode() {
  record();
  record_->allowed = allowed;
  record_->denied = denied;
  return record_->Encode();
}

void LiveTask::Cool() {
  if (!record_) return;
  stored_ = Encode();
  stored_.shrink_to_fit();
  record_.reset();
  entity.reset();
}

}  // namespace remit::broker
