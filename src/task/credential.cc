// The small life of a credential, and its written form. See credential.h.
//
//   planned ─► live ─► ending ─► dead     and back to ending, where a sweep finds what was dead
//       └────────────────►┘
#include "task/credential.h"

#include <fmt/format.h>

#include "task/codec.h"

namespace remit::task {
namespace {

constexpr std::uint8_t kVersion = 1;

std::unexpected<Error> WrongState(const CredentialRecord& record) {
  return Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("credential `{}` is {}", record.id, StateName(record.state)));
}

json::Object Event(std::string_view type, const CredentialRecord& record, Time now) {
  return json::Object{{"type", type}, {"time", FormatTime(now)}, {"task", record.task}, {"credential", record.id}, {"target", record.target}};
}

json::Array EvidenceJson(const std::vector<Evidence>& evidence) {
  json::Array array;
  for (const Evidence& e : evidence) array.push_back(json::Object{{"step", e.step}, {"detail", e.detail}, {"at", FormatTime(e.at)}});
  return array;
}

void Encode(Encoder& e, const PermissionSet& set) {
  e.Unsigned(set.permissions.size());
  for (const Permission& p : set.permissions) {
    e.Uid(p.action);
    e.Byte(static_cast<std::uint8_t>(p.scope));
    e.Uid(p.resource);
    e.Text(p.member_type);
    e.Unsigned(p.conditions.size());
    for (const std::string& condition : p.conditions) e.Text(condition);
    e.Unsigned(p.obligations.size());
    for (const Obligation& o : p.obligations) {
      e.Byte(static_cast<std::uint8_t>(o.kind));
      e.Unsigned(o.count);
      e.Text(o.policy);
      e.Text(o.condition);
    }
    e.Unsigned(p.policies.size());
    for (const std::string& policy : p.policies) e.Text(policy);
  }
}

PermissionSet DecodePermissions(Decoder& d) {
  PermissionSet set;
  set.permissions.resize(d.Count(9));
  for (Permission& p : set.permissions) {
    p.action = d.Uid();
    const std::uint8_t scope = d.Byte();
    if (scope > static_cast<std::uint8_t>(Permission::Scope::kIs)) d.Refuse();
    p.scope = static_cast<Permission::Scope>(scope);
    p.resource = d.Uid();
    p.member_type = d.Text();
    p.conditions.resize(d.Count());
    for (std::string& condition : p.conditions) condition = d.Text();
    p.obligations.resize(d.Count(4));
    for (Obligation& o : p.obligations) {
      const std::uint8_t kind = d.Byte();
      if (kind > static_cast<std::uint8_t>(Obligation::Kind::kUnlessApproved)) d.Refuse();
      o.kind = static_cast<Obligation::Kind>(kind);
      o.count = d.Unsigned32();
      o.policy = d.Text();
      o.condition = d.Text();
    }
    p.policies.resize(d.Count());
    for (std::string& policy : p.policies) policy = d.Text();
    if (!d.ok()) break;
  }
  return set;
}

}  // namespace

std::string_view StateName(CredentialState state) {
  switch (state) {
    case CredentialState::kPlanned: return "planned";
    case CredentialState::kLive: return "live";
    case CredentialState::kEnding: return "ending";
    case CredentialState::kDead: return "dead";
  }
  return "unknown";
}

std::string CredentialRecord::Encode() const {
  std::string out;
  out.reserve(512);
  Encoder e(out);
  e.Byte(kVersion);
  e.Byte(static_cast<std::uint8_t>(state));
  e.Text(id);
  e.Text(task);
  e.Text(target);
  e.Text(kind);
  task::Encode(e, permissions);
  e.At(planned);
  e.MaybeAt(live);
  e.MaybeAt(ending);
  e.MaybeAt(dead);
  e.At(not_after);
  e.Text(name);
  e.Unsigned(notes.size());
  for (const auto& [key, value] : notes) {
    e.Text(key);
    e.Text(value);
  }
  e.Text(sealed);
  e.Unsigned(end_attempts);
  e.Text(last_error);
  e.MaybeAt(retry_at);
  e.Unsigned(evidence.size());
  for (const Evidence& item : evidence) {
    e.Text(item.step);
    e.Text(item.detail);
    e.At(item.at);
  }
  return out;
}

Result<CredentialRecord> CredentialRecord::Decode(std::string_view bytes) {
  Decoder d(bytes);
  CredentialRecord r;
  if (d.Byte() != kVersion) d.Refuse();
  const std::uint8_t state = d.Byte();
  if (state < 1 || state > static_cast<std::uint8_t>(CredentialState::kDead)) d.Refuse();
  r.state = static_cast<CredentialState>(state);
  r.id = d.Text();
  r.task = d.Text();
  r.target = d.Text();
  r.kind = d.Text();
  r.permissions = DecodePermissions(d);
  r.planned = d.At();
  r.live = d.MaybeAt();
  r.ending = d.MaybeAt();
  r.dead = d.MaybeAt();
  r.not_after = d.At();
  r.name = d.Text();
  for (std::size_t n = d.Count(2); n > 0 && d.ok(); --n) {
    std::string key = d.Text();
    if (!r.notes.empty() && key <= r.notes.rbegin()->first) d.Refuse();
    r.notes.emplace_hint(r.notes.end(), std::move(key), d.Text());
  }
  r.sealed = d.Text();
  r.end_attempts = d.Unsigned32();
  r.last_error = d.Text();
  r.retry_at = d.MaybeAt();
  r.evidence.resize(d.Count(3));
  for (Evidence& item : r.evidence) {
    item.step = d.Text();
    item.detail = d.Text();
    item.at = d.At();
  }
  REMIT_TRY(d.Finish("credential"));
  return r;
}

CredentialTransition PlanCredential(CredentialRecord draft, Time now) {
  draft.state = CredentialState::kPlanned;
  draft.planned = now;
  draft.live = draft.ending = draft.dead = draft.retry_at = std::nullopt;
  draft.end_attempts = 0;
  draft.last_error.clear();
  draft.evidence.clear();
  json::Object event = Event("credential.planned", draft, now);
  event.Set("kind", draft.kind);
  event.Set("name", draft.name);
  event.Set("not_after", FormatTime(draft.not_after));
  event.Set("permissions", draft.permissions.ToJson());
  return {std::move(draft), {std::move(event)}};
}

Result<CredentialTransition> MakeLive(const CredentialRecord& record, std::map<std::string, std::string> notes, Time now) {
  if (record.state != CredentialState::kPlanned) return WrongState(record);
  CredentialTransition t{record, {}};
  t.next.state = CredentialState::kLive;
  t.next.live = now;
  t.next.notes = std::move(notes);
  t.events.push_back(Event("credential.live", record, now));
  return t;
}

Result<CredentialTransition> BeginEnd(const CredentialRecord& record, const std::string& why, Time now) {
  if (record.state != CredentialState::kPlanned && record.state != CredentialState::kLive) return WrongState(record);
  CredentialTransition t{record, {}};
  t.next.state = CredentialState::kEnding;
  t.next.ending = now;
  json::Object event = Event("credential.ending", record, now);
  event.Set("from", StateName(record.state));
  event.Set("why", why);
  t.events.push_back(std::move(event));
  return t;
}

Result<CredentialTransition> EndAgain(const CredentialRecord& record, const std::string& why, Time now) {
  if (record.state != CredentialState::kDead) return WrongState(record);
  CredentialTransition t{record, {}};
  t.next.state = CredentialState::kEnding;
  t.next.ending = now;
  t.next.dead = std::nullopt;
  json::Object event = Event("credential.ending", record, now);
  event.Set("from", StateName(record.state));
  event.Set("why", why);
  t.events.push_back(std::move(event));
  return t;
}

Result<CredentialTransition> Prolong(const CredentialRecord& record, Time not_after, Time now) {
  if (record.state != CredentialState::kLive || not_after <= record.not_after) return WrongState(record);
  CredentialTransition t{record, {}};
  t.next.not_after = not_after;
  json::Object event = Event("credential.prolonged", record, now);
  event.Set("not_after", FormatTime(not_after));
  t.events.push_back(std::move(event));
  return t;
}

Result<CredentialTransition> NoteAttempt(const CredentialRecord& record, const std::string& error, std::vector<Evidence> evidence,
                                         std::map<std::string, std::string> notes, std::optional<Time> retry_at, Time now) {
  if (record.state != CredentialState::kEnding) return WrongState(record);
  CredentialTransition t{record, {}};
  // Attempts go on without limit, so the ledger hears only of those that say something new; the row counts them all.
  if (error != record.last_error || !evidence.empty()) {
    json::Object event = Event("credential.end-attempted", record, now);
    event.Set("attempt", record.end_attempts + 1);
    event.Set("error", error);
    event.Set("evidence", EvidenceJson(evidence));
    t.events.push_back(std::move(event));
  }
  ++t.next.end_attempts;
  t.next.last_error = error;
  t.next.notes = std::move(notes);
  t.next.retry_at = retry_at;
  for (Evidence& item : evidence) t.next.evidence.push_back(std::move(item));
  return t;
}

Result<CredentialTransition> MakeDead(const CredentialRecord& record, std::vector<Evidence> evidence, Time now) {
  if (record.state != CredentialState::kEnding) return WrongState(record);
  CredentialTransition t{record, {}};
  t.next.state = CredentialState::kDead;
  t.next.dead = now;
  t.next.sealed.clear();
  t.next.last_error.clear();
  t.next.retry_at = std::nullopt;
  for (Evidence& item : evidence) t.next.evidence.push_back(std::move(item));
  json::Object event = Event("credential.dead", record, now);
  event.Set("attempts", record.end_attempts + 1);
  event.Set("evidence", EvidenceJson(t.next.evidence));
  t.events.push_back(std::move(event));
  return t;
}

}  // namespace remit::task
