// The written form of a task, and the names of its states. See task.h and codec.h.
#include "task/task.h"

#include "task/codec.h"

namespace remit::task {
namespace {

constexpr std::uint8_t kVersion = 2;
constexpr std::uint8_t kFirstVersion = 1;  // without what may be absent in a life: see EncodeRare

void EncodeApprovals(Encoder& e, const std::vector<Yes>& approvals) {
  e.Unsigned(approvals.size());
  for (const Yes& yes : approvals) {
    e.Uid(yes.person);
    e.At(yes.at);
  }
}

std::vector<Yes> DecodeApprovals(Decoder& d) {
  std::vector<Yes> approvals(d.Count(3));
  for (Yes& yes : approvals) {
    yes.person = d.Uid();
    yes.at = d.At();
  }
  return approvals;
}

// What most tasks never have, behind one byte that says which of it there is.
enum Rare : std::uint8_t { kSuspendedAt = 1, kNotBefore = 2, kMaxTtl = 4, kExtension = 8, kBreakGlass = 16, kReview = 32, kAllRare = 63 };

void EncodeRare(Encoder& e, const TaskRecord& r) {
  e.Byte(static_cast<std::uint8_t>((r.suspended ? kSuspendedAt : 0) | (r.not_before ? kNotBefore : 0) | (r.max_ttl != Duration(0) ? kMaxTtl : 0) |
                                   (r.extension ? kExtension : 0) | (r.break_glass ? kBreakGlass : 0) | (r.review ? kReview : 0)));
  if (r.suspended) e.At(*r.suspended);
  if (r.not_before) e.At(*r.not_before);
  if (r.max_ttl != Duration(0)) e.Span(r.max_ttl);
  if (r.extension) {
    e.Span(r.extension->by);
    e.Text(r.extension->reason);
    e.Raw(r.extension->request_hash);
    e.Unsigned(r.extension->approvals_needed);
    EncodeApprovals(e, r.extension->approvals);
    e.At(r.extension->requested);
    e.At(r.extension->expires);
  }
  if (r.review) {
    e.Uid(r.review->person);
    e.At(r.review->at);
  }
}

void DecodeRare(Decoder& d, TaskRecord& r) {
  const std::uint8_t rare = d.Byte();
  if ((rare & ~kAllRare) != 0) d.Refuse();
  if ((rare & kSuspendedAt) != 0) r.suspended = d.At();
  if ((rare & kNotBefore) != 0) r.not_before = d.At();
  if ((rare & kMaxTtl) != 0) {
    r.max_ttl = d.Span();
    if (r.max_ttl == Duration(0)) d.Refuse();
  }
  if ((rare & kExtension) != 0) {
    Extension& x = r.extension.emplace();
    x.by = d.Span();
    x.reason = d.Text();
    x.request_hash = d.HashBytes();
    x.approvals_needed = d.Unsigned32();
    x.approvals = DecodeApprovals(d);
    x.requested = d.At();
    x.expires = d.At();
  }
  r.break_glass = (rare & kBreakGlass) != 0;
  if ((rare & kReview) != 0) {
    Yes& review = r.review.emplace();
    review.person = d.Uid();
    review.at = d.At();
  }
}

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
  EncodeApprovals(e, approvals);
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
  EncodeRare(e, *this);
  return out;
}

Result<TaskRecord> TaskRecord::Decode(std::string_view bytes) {
  Decoder d(bytes);
  TaskRecord r;
  const std::uint8_t version = d.Byte();
  if (version != kVersion && version != kFirstVersion) d.Refuse();
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
  r.approvals = DecodeApprovals(d);
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
  if (version != kFirstVersion) DecodeRare(d, r);
  REMIT_TRY(d.Finish("task"));
  return r;
}

}  // namespace remit::task
