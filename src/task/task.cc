// The written form of a task, and the names of its states. See task.h and codec.h.
#include "task/task.h"

#include "task/codec.h"

namespace remit::task {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

std::string_view StateName(State state) {
  switch (state) {
    case State::kRequested: return "requested";
    case State::kActive: return "active";
    case State::kCompleted: return "completed";
    case State::kRevoked: return "revoked";
    case State::kExpired: return "expired";
    case State::kFailed: return "failed";
    case State::kWithdrawn: return "withdrawn";
    case State::kDenied: return "denied";
    case State::kSuspended: return "suspended";
    case State::kScheduled: return "scheduled";
  }
  return "unknown";
}

bool IsEnd(State state) {
  switch (state) {
    case State::kRequested:
    case State::kActive:
    case State::kSuspended:
    case State::kScheduled: return false;
    default: return true;  // also what no version of Remit wrote: it permits nothing
  }
}

std::string TaskRecord::Encode() const {
  std::string out;
  out.reserve(640);
  Encoder e(out);
  e.Byte(kVersion);
  e.Byte(static_cast<std::uint8_t>(state));
  e.Text(id);
  e.Text(type);
  e.Text(name);
  e.Text(purpose);
  e.Uid(actor);
  e.Unsigned(chain.size());
  for (const auto& uid : chain) e.Uid(uid);
  e.Text(parent);
  e.Json(parameters);
  e.Text(reason);
  e.At(requested);
  e.MaybeAt(started);
  e.MaybeAt(ended);
  e.Span(ttl);
  e.Span(heartbeat);
  e.At(deadline);
  e.Text(catalog);
  e.Text(facts);
  e.Raw(token_hash);
  e.Raw(holder_hash);
  e.Text(nonce);
  e.Raw(request_hash);
  e.Unsigned(approvals_needed);
  e.Unsigned(approvals.size());
  for (const Yes& yes : approvals) {
    e.Uid(yes.person);
    e.At(yes.at);
  }
  e.Unsigned(uses.size());
  for (const auto& [policy, count] : uses) {
    e.Text(policy);
    e.Unsigned(count);
  }
  e.Unsigned(allowed);
  e.Unsigned(denied);
  e.Unsigned(credentials.size());
  for (const std::string& credential : credentials) e.Text(credential);
  e.Text(end_reason);
  e.Text(ended_by);
  return out;
}

Result<TaskRecord> TaskRecord::Decode(std::string_view bytes) {
  Decoder d(bytes);
  TaskRecord r;
  if (d.Byte() != kVersion) d.Refuse();
  const std::uint8_t state = d.Byte();
  if (state < 1 || state > static_cast<std::uint8_t>(State::kScheduled)) d.Refuse();
  r.state = static_cast<State>(state);
  r.id = d.Text();
  r.type = d.Text();
  r.name = d.Text();
  r.purpose = d.Text();
  r.actor = d.Uid();
  r.chain.resize(d.Count(2));
  for (auto& uid : r.chain) uid = d.Uid();
  r.parent = d.Text();
  r.parameters = d.Json();
  r.reason = d.Text();
  r.requested = d.At();
  r.started = d.MaybeAt();
  r.ended = d.MaybeAt();
  r.ttl = d.Span();
  r.heartbeat = d.Span();
  r.deadline = d.At();
  r.catalog = d.Text();
  r.facts = d.Text();
  r.token_hash = d.HashBytes();
  r.holder_hash = d.HashBytes();
  r.nonce = d.Text();
  r.request_hash = d.HashBytes();
  r.approvals_needed = d.Unsigned32();
  r.approvals.resize(d.Count(3));
  for (Yes& yes : r.approvals) {
    yes.person = d.Uid();
    yes.at = d.At();
  }
  for (std::size_t n = d.Count(2); n > 0 && d.ok(); --n) {
    std::string policy = d.Text();
    if (!r.uses.empty() && policy <= r.uses.rbegin()->first) d.Refuse();  // written in order, each once
    r.uses.emplace_hint(r.uses.end(), std::move(policy), d.Unsigned32());
  }
  r.allowed = d.Unsigned();
  r.denied = d.Unsigned();
  r.credentials.resize(d.Count());
  for (std::string& credential : r.credentials) credential = d.Text();
  r.end_reason = d.Text();
  r.ended_by = d.Text();
  REMIT_TRY(d.Finish("task"));
  return r;
}

}  // namespace remit::task
