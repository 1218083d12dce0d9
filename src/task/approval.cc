// What approvers say yes to, as one hash. docs/formats.md has its form. See decision.h. The deadline is in it as the life that was asked
// for, since it only begins with the last yes.
#include "crypto/hash.h"
#include "json/write.h"
#include "task/decision.h"

namespace remit::task {

Hash RequestHash(const TaskRecord& record, const PermissionSet& permissions) {
  json::Array chain;
  for (const auto& uid : record.chain) chain.push_back(uid.ToString());
  // Every field is there always, so that no two requests have one form.
  json::Object request{
      {"form", record.not_before ? "remit/request/at/v1" : "remit/request/v1"},
      {"task", record.id},
      {"nonce", record.nonce},
      {"type", record.type},
      {"name", record.name},
      {"purpose", record.purpose},
      {"parameters", record.parameters},
      {"actor", record.actor.ToString()},
      {"chain", std::move(chain)},
      {"parent", record.parent},
      {"ttl", FormatDuration(record.ttl)},
      {"reason", record.reason},
      {"catalog", record.catalog},
      {"permissions", permissions.ToJson()},
  };
  if (record.not_before) request.Set("at", FormatTime(*record.not_before));
  return crypto::Sha256(json::Canonical(request));
}

}  // namespace remit::task
