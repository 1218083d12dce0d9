// Which credentials a task gets, drawn up before anything is made: one for each target that its permissions are for. Their secrets are in the
// plan already, sealed, so that a target can be told again what it was told before a crash.
#include <fmt/format.h>

#include "base/ids.h"
#include "broker/core.h"
#include "crypto/seal.h"

namespace remit::broker {

Result<std::vector<LiveCredential>> Credentials::Plan(const task::TaskRecord& record, const task::PermissionSet& permissions, Time not_after) {
  std::map<target::Target*, task::PermissionSet> by_target;
  for (const task::Permission& permission : permissions.permissions) {
    if (target::Target* owner = OwnerOf(permission.action, permission.resource)) {
      if (!permission.IsPlain())
        return Fail(Code::kFailedPrecondition, "not-enforceable",
                    fmt::format("target `{}` cannot enforce {} on {} with a condition or an obligation", owner->name(), permission.action.ToString(),
                                permission.resource.ToString()));
      by_target[owner].permissions.push_back(permission);
    } else if (permission.action.type == "Postgres::Action") {
      return Fail(Code::kFailedPrecondition, "no-such-target", fmt::format("no target has {}", permission.resource.ToString()),
                  "configure the target in remit.toml; the id of a table begins with the target's name");
    }
  }
  std::vector<LiveCredential> planned;
  Time now = core_.last_event;
  for (auto& [owner, set] : by_target) {
    LiveCredential credential;
    task::CredentialRecord& draft = credential.record;
    draft.id = NewId(kCredentialPrefix, now, core_.parts.rng);
    draft.task = record.id;
    draft.target = owner->name();
    draft.permissions = set;
    draft.not_after = not_after;
    REMIT_ASSIGN(target::Plan plan, owner->MakePlan(draft.id, set, core_.parts.rng));
    draft.kind = plan.kind;
    draft.name = plan.name;
    draft.notes = plan.notes;
    draft.sealed = Seal(draft.id, plan.secret.RevealBytes());
    planned.push_back(std::move(credential));
  }
  return planned;
}

std::vector<std::string> Credentials::PutPlanned(std::vector<LiveCredential>& planned, Time now, store::Batch& batch) {
  std::vector<std::string> ids;
  for (LiveCredential& credential : planned) {
    task::CredentialTransition transition = task::PlanCredential(std::move(credential.record), now);
    // Beside what is granted: what everybody may do there, as it is accepted at this moment. The receipt says so, whatever is accepted later.
    if (const target::Target* target = FindTarget(transition.next.target); target != nullptr && !target->Accepted().empty())
      transition.events.back().AsObject().Set("accepted", json::StringArray(target->Accepted()));
    credential.record = std::move(transition.next);
    ids.push_back(credential.record.id);
    batch.writes.push_back(CredentialWrite(credential.record));
    core_.AddEvents(batch, std::move(transition.events));
  }
  return ids;
}

Bytes Credentials::SealingContext(const std::string& id) const { return crypto::AssociatedData({"remit credential v1", core_.installation, id}); }

std::string Credentials::Seal(const std::string& id, ByteView secret) const {
  return ToText(crypto::Seal(core_.keys->sealing, secret, SealingContext(id), core_.parts.rng));
}

Result<Secret> Credentials::SecretOf(const std::string& id, const task::CredentialRecord& record) const {
  return crypto::Open(core_.keys->sealing, AsBytes(record.sealed), SealingContext(id));
}

}  // namespace remit::broker
