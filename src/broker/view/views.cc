#include "broker/views.h"

#include "base/text.h"

namespace remit::broker {
namespace {

void SetTime(json::Object& object, std::string_view name, const std::optional<Time>& time) {
  if (time) object.Set(name, FormatTime(*time));
}

json::Array Uids(const std::vector<cedar::EntityUid>& uids) {
  json::Array array;
  for (const cedar::EntityUid& uid : uids) array.push_back(uid.ToString());
  return array;
}

}  // namespace

json::Object TaskJson(const task::TaskRecord& record) {
  json::Object task{{"id", record.id},
                    {"type", record.type},
                    {"name", record.name},
                    {"purpose", record.purpose},
                    {"actor", record.actor.ToString()},
                    {"chain", Uids(record.chain)}};
  if (!record.parent.empty()) task.Set("parent", record.parent);
  task.Set("parameters", record.parameters);
  task.Set("reason", record.reason);
  task.Set("state", task::StateName(record.state));
  task.Set("requested", FormatTime(record.requested));
  SetTime(task, "at", record.not_before);
  SetTime(task, "started", record.started);
  SetTime(task, "ended", record.ended);
  SetTime(task, "suspended", record.suspended);
  task.Set("ttl", FormatDuration(record.ttl));
  if (record.max_ttl > Duration(0)) task.Set("max_ttl", FormatDuration(record.max_ttl));
  task.Set("heartbeat", FormatDuration(record.heartbeat));
  task.Set("deadline", FormatTime(record.deadline));
  task.Set("catalog", record.catalog);
  task.Set("facts", record.facts);
  task.Set("approvals_needed", record.approvals_needed);
  json::Array approvals;
  for (const task::Yes& yes : record.approvals) approvals.push_back(json::Object{{"person", yes.person.ToString()}, {"at", FormatTime(yes.at)}});
  task.Set("approvals", std::move(approvals));
  if (record.extension) {
    json::Object asked{{"more", FormatDuration(record.extension->by)},
                       {"reason", record.extension->reason},
                       {"approvals_needed", record.extension->approvals_needed},
                       {"expires", FormatTime(record.extension->expires)}};
    json::Array given;
    for (const task::Yes& yes : record.extension->approvals)
      given.push_back(json::Object{{"person", yes.person.ToString()}, {"at", FormatTime(yes.at)}});
    asked.Set("approvals", std::move(given));
    task.Set("extension", std::move(asked));
  }
  if (record.break_glass) task.Set("break_glass", true);
  if (record.review) task.Set("review", json::Object{{"person", record.review->person.ToString()}, {"at", FormatTime(record.review->at)}});
  json::Object uses;
  for (const auto& [policy, count] : record.uses) uses.Set(policy, count);
  task.Set("uses", std::move(uses));
  task.Set("allowed", record.allowed);
  task.Set("denied", record.denied);
  if (!record.end_reason.empty()) task.Set("end_reason", record.end_reason);
  if (!record.ended_by.empty()) task.Set("ended_by", record.ended_by);
  return task;
}

json::Object CredentialJson(const task::CredentialRecord& record) {
  json::Object credential{{"id", record.id},
                          {"task", record.task},
                          {"target", record.target},
                          {"kind", record.kind},
                          {"state", task::StateName(record.state)},
                          {"name", record.name},
                          {"planned", FormatTime(record.planned)}};
  SetTime(credential, "live", record.live);
  SetTime(credential, "ending", record.ending);
  SetTime(credential, "dead", record.dead);
  credential.Set("not_after", FormatTime(record.not_after));
  json::Array evidence;
  for (const task::Evidence& one : record.evidence)
    evidence.push_back(json::Object{{"step", one.step}, {"detail", one.detail}, {"at", FormatTime(one.at)}});
  credential.Set("evidence", std::move(evidence));
  if (record.state == task::CredentialState::kEnding && !record.last_error.empty()) credential.Set("last_error", record.last_error);
  if (record.state == task::CredentialState::kEnding) SetTime(credential, "retry_at", record.retry_at);
  credential.Set("end_attempts", record.end_attempts);
  credential.Set("permissions", record.permissions.ToJson());
  // What the target says that it gave with them.
  if (const auto brings = record.notes.find("brings"); brings != record.notes.end())
    credential.Set("brings", json::StringArray(Split(brings->second, '\n')));
  return credential;
}

json::Array CredentialsJson(const std::vector<task::CredentialRecord>& records) {
  json::Array array;
  for (const task::CredentialRecord& record : records) array.push_back(CredentialJson(record));
  return array;
}

json::Value ActorJson(const ActorRecord& actor) {
  json::Object object{{"uid", actor.uid.ToString()}, {"client_id", actor.client_id}};
  if (!actor.jwk.IsNull()) object.Set("jwk", actor.jwk);
  if (actor.unix_uid) object.Set("unix_uid", *actor.unix_uid);
  object.Set("barred", actor.barred);
  if (actor.accounts && !actor.accounts->empty()) object.Set("accounts", json::StringArray(*actor.accounts));
  if (actor.HasOwner()) object.Set("owner", actor.owner->ToString());
  json::Array before;
  for (const auto& [person, until] : actor.was_owned_by) before.push_back(json::Object{{"person", person.ToString()}, {"until", FormatTime(until)}});
  if (!before.empty()) object.Set("was_owned_by", std::move(before));
  if (actor.vouches_for && !actor.vouches_for->empty()) object.Set("vouches_for", json::StringArray(*actor.vouches_for));
  if (actor.audiences && !actor.audiences->empty()) object.Set("audiences", json::StringArray(*actor.audiences));
  return object;
}

json::Value PersonJson(const PersonRecord& person) {
  return json::Object{{"uid", person.uid.ToString()}, {"display_name", person.display_name}, {"barred", person.barred}};
}

}  // namespace remit::broker
