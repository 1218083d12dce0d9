// Permission sets as JSON, and their digest. See permission.h.
#include "task/permission.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/write.h"

namespace remit::task {
namespace {

std::string_view KindField(Obligation::Kind kind) { return kind == Obligation::Kind::kAfterUses ? "after_uses" : "unless_approved"; }

json::Value ObligationJson(const Obligation& o) {
  json::Object object{{KindField(o.kind).data(), o.count}, {"policy", o.policy}};
  if (!o.condition.empty()) object.Set("when", o.condition);
  return object;
}

json::Value PermissionJson(const Permission& p) {
  json::Object object{{"action", p.action.ToString()}};
  switch (p.scope) {
    case Permission::Scope::kEqual: object.Set("resource", p.resource.ToString()); break;
    case Permission::Scope::kIn: object.Set("in", p.resource.ToString()); break;
    case Permission::Scope::kIs: object.Set("is", p.resource.type); break;
  }
  if (!p.member_type.empty()) object.Set("type", p.member_type);
  if (!p.conditions.empty()) object.Set("when", json::StringArray(p.conditions));
  if (!p.obligations.empty()) {
    json::Array obligations;
    for (const Obligation& o : p.obligations) obligations.push_back(ObligationJson(o));
    object.Set("obligations", std::move(obligations));
  }
  if (!p.policies.empty()) object.Set("policies", json::StringArray(p.policies));
  return object;
}

Result<Obligation> ReadObligation(const json::Value& value) {
  json::ObjectReader r(value, "obligation");
  Obligation o;
  const auto after_uses = r.OptionalInt("after_uses"), unless_approved = r.OptionalInt("unless_approved");
  o.policy = r.RequiredString("policy");
  o.condition = r.OptionalString("when").value_or("");
  if (after_uses.has_value() == unless_approved.has_value()) r.Refuse("after_uses", "exactly one of `after_uses` and `unless_approved` is needed");
  o.kind = after_uses ? Obligation::Kind::kAfterUses : Obligation::Kind::kUnlessApproved;
  const std::int64_t count = after_uses.value_or(unless_approved.value_or(0));
  if (count < 0 || count > UINT32_MAX) r.Refuse(KindField(o.kind), "is out of range");
  REMIT_TRY(r.Finish());
  o.count = static_cast<std::uint32_t>(count);
  return o;
}

Result<Permission> ReadPermission(const json::Value& value) {
  json::ObjectReader r(value, "permission");
  Permission p;
  const std::string action = r.RequiredString("action");
  const auto equal = r.OptionalString("resource"), in = r.OptionalString("in"), is = r.OptionalString("is");
  if (int{equal.has_value()} + int{in.has_value()} + int{is.has_value()} != 1) {
    r.Refuse("resource", "exactly one of `resource`, `in` and `is` is needed");
  }
  p.member_type = r.OptionalString("type").value_or("");
  p.conditions = r.OptionalStrings("when").value_or(std::vector<std::string>());
  p.policies = r.OptionalStrings("policies").value_or(std::vector<std::string>());
  const json::Array* obligations = r.OptionalArray("obligations");
  REMIT_TRY(r.Finish());
  for (std::size_t i = 0; obligations != nullptr && i < obligations->size(); ++i) {
    REMIT_ASSIGN(Obligation o, ReadObligation((*obligations)[i]));
    p.obligations.push_back(std::move(o));
  }
  REMIT_ASSIGN(p.action, cedar::EntityUid::Parse(action));
  if (is) {
    p.scope = Permission::Scope::kIs;
    p.resource.type = *is;
  } else {
    p.scope = equal ? Permission::Scope::kEqual : Permission::Scope::kIn;
    REMIT_ASSIGN(p.resource, cedar::EntityUid::Parse(equal ? *equal : *in));
  }
  return p;
}

// What a permission is about; those about the same thing stand together.
auto Target(const Permission& p) { return std::tie(p.action, p.scope, p.resource, p.member_type); }

// Whether everything that `narrow` asks for is asked for by fewer demands of `wide`, about the same thing.
bool Subsumes(const Permission& wide, const Permission& narrow) {
  auto includes = [](const auto& all, const auto& some) {
    return std::ranges::all_of(some, [&](const auto& item) { return std::ranges::find(all, item) != all.end(); });
  };
  return includes(narrow.conditions, wide.conditions) && includes(narrow.obligations, wide.obligations);
}

void SortUnique(std::vector<std::string>& texts) {
  std::ranges::sort(texts);
  texts.erase(std::ranges::unique(texts).begin(), texts.end());
}

}  // namespace

void PermissionSet::Normalise() {
  for (Permission& p : permissions) {
    SortUnique(p.conditions);
    SortUnique(p.policies);
    std::ranges::sort(p.obligations);
    p.obligations.erase(std::ranges::unique(p.obligations).begin(), p.obligations.end());
  }
  // Within one target fewer demands first, so that what is kept is never subsumed by what comes later.
  std::ranges::sort(permissions, [](const Permission& a, const Permission& b) {
    if (Target(a) != Target(b)) return Target(a) < Target(b);
    const std::size_t demands_a = a.conditions.size() + a.obligations.size(), demands_b = b.conditions.size() + b.obligations.size();
    return std::tie(demands_a, a.conditions, a.obligations, a.policies) < std::tie(demands_b, b.conditions, b.obligations, b.policies);
  });
  std::vector<Permission> kept;
  std::size_t first = 0;  // of the present target, in `kept`
  for (Permission& p : permissions) {
    if (first < kept.size() && Target(kept[first]) != Target(p)) first = kept.size();
    const auto wider =
        std::find_if(kept.begin() + static_cast<std::ptrdiff_t>(first), kept.end(), [&](const Permission& k) { return Subsumes(k, p); });
    if (wider == kept.end()) {
      kept.push_back(std::move(p));
    } else if (wider->conditions == p.conditions && wider->obligations == p.obligations) {
      wider->policies.insert(wider->policies.end(), p.policies.begin(), p.policies.end());
      SortUnique(wider->policies);
    }
  }
  permissions = std::move(kept);
}

json::Value PermissionSet::ToJson() const {
  json::Array array;
  for (const Permission& p : permissions) array.push_back(PermissionJson(p));
  return array;
}

Result<PermissionSet> PermissionSet::FromJson(const json::Value& document) {
  auto bad = [](std::string message) { return Fail(Code::kInvalidArgument, "bad-permission-set", std::move(message)); };
  if (!document.IsArray()) return bad("a permission set is an array");
  PermissionSet set;
  for (const json::Value& item : document.AsArray()) {
    auto permission = ReadPermission(item);
    if (!permission) return bad(permission.error().message);
    set.permissions.push_back(std::move(*permission));
  }
  return set;
}

Hash PermissionSet::Digest() const { return crypto::Sha256(json::Canonical(ToJson())); }

}  // namespace remit::task
