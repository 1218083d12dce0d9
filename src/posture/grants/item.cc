#include "posture/grants/item.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "json/object_reader.h"

namespace remit::posture {
namespace {

constexpr std::array<std::string_view, 3> kForms{"privilege", "membership", "default"};

std::string_view FormName(GrantForm form) { return kForms[static_cast<std::size_t>(form)]; }

std::string NameOf(const RoleRef& role) {
  if (role.oid == kPublicRole) return "PUBLIC";
  return role.name.empty() ? fmt::format("a role that is gone (OID {})", role.oid) : fmt::format("`{}`", EscapeControl(role.name));
}

json::Value RoleToJson(const RoleRef& role) { return json::Object{{"oid", role.oid}, {"name", role.name}}; }

Result<RoleRef> RoleFromJson(const json::Object& object, std::string_view place) {
  json::ObjectReader r(object, place);
  RoleRef role{r.RequiredString("oid"), r.RequiredString("name")};
  REMIT_TRY(r.Finish());
  return role;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= 10 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "role/schema/type" of default privileges: two OIDs and a letter.
bool IsDefaultKey(std::string_view key) {
  const std::vector<std::string> part = Split(key, '/');
  return part.size() == 3 && IsNumber(part[0]) && IsNumber(part[1]) && part[2].size() == 1;
}

}  // namespace

std::string Grant::ObjectId() const {
  return fmt::format("{}\n{}\n{}\n{}\n{}", static_cast<int>(form), database(), static_cast<int>(object.kind), key, column);
}

std::string Grant::Slot() const { return fmt::format("{}\n{}\n{}\n{}", ObjectId(), grantee.oid, grantor.oid, privilege); }

std::string Grant::Id() const { return Slot() + (grantable ? "\n+" : "\n-"); }

std::string Grant::ToString() const {
  const std::string_view option = !grantable ? "" : form == GrantForm::kMembership ? ", with admin option" : ", with grant option";
  const std::string at = database().empty() ? "" : fmt::format(" in database `{}`", EscapeControl(database()));
  switch (form) {
    case GrantForm::kPrivilege:
      return fmt::format("{} on {}{} to {} by {}{}", privilege, EscapeControl(object.ToString()), at, NameOf(grantee), NameOf(grantor), option);
    case GrantForm::kMembership:
      return fmt::format("membership in `{}` of {} by {}{}", EscapeControl(object.name), NameOf(grantee), NameOf(grantor), option);
    case GrantForm::kDefault:
      return fmt::format("{} on future objects of {} in {}{} to {}{}", privilege, NameOf(grantor), EscapeControl(object.ToString()), at,
                         NameOf(grantee), option);
  }
  return "";
}

Result<ObjectKind> KindFromName(std::string_view name) {
  for (auto kind = ObjectKind::kServer; kind <= ObjectKind::kParameter; kind = static_cast<ObjectKind>(static_cast<int>(kind) + 1))
    if (KindName(kind) == name) return kind;
  return Fail(Code::kCorrupt, "bad-plan-file", fmt::format("there is no kind `{}` of object", EscapeControl(name)));
}

bool IsPrivilege(std::string_view name) {
  static constexpr std::array<std::string_view, 15> known{"SELECT",     "INSERT",    "UPDATE",  "DELETE",       "TRUNCATE",
                                                          "REFERENCES", "TRIGGER",   "EXECUTE", "USAGE",        "CREATE",
                                                          "CONNECT",    "TEMPORARY", "SET",     "ALTER SYSTEM", "MAINTAIN"};
  return std::ranges::find(known, name) != known.end();
}

json::Value GrantToJson(const Grant& grant) {
  json::Object o{{"form", FormName(grant.form)},
                 {"kind", KindName(grant.object.kind)},
                 {"database", grant.object.database},
                 {"schema", grant.object.schema},
                 {"name", grant.object.name},
                 {"column", grant.object.column},
                 {"key", grant.key},
                 {"column_number", grant.column},
                 {"owner", grant.owner},
                 {"grantee", RoleToJson(grant.grantee)},
                 {"grantor", RoleToJson(grant.grantor)},
                 {"privilege", grant.privilege},
                 {"grantable", grant.grantable}};
  return o;
}

Result<Grant> GrantFromJson(const json::Value& value) {
  json::ObjectReader r(value, "grant");
  Grant grant;
  const std::string form = r.RequiredString("form");
  const std::string kind = r.RequiredString("kind");
  grant.object.database = r.RequiredString("database");
  grant.object.schema = r.RequiredString("schema");
  grant.object.name = r.RequiredString("name");
  grant.object.column = r.RequiredString("column");
  grant.key = r.RequiredString("key");
  grant.column = static_cast<int>(r.RequiredInt("column_number"));
  grant.owner = r.RequiredString("owner");
  const json::Object& grantee = r.RequiredObject("grantee");
  const json::Object& grantor = r.RequiredObject("grantor");
  grant.privilege = r.RequiredString("privilege");
  grant.grantable = r.RequiredBool("grantable");
  REMIT_TRY(r.Finish());
  const auto found = std::ranges::find(kForms, form);
  if (found == kForms.end()) return Fail(Code::kCorrupt, "bad-plan-file", fmt::format("there is no form `{}` of grant", EscapeControl(form)));
  grant.form = static_cast<GrantForm>(found - kForms.begin());
  REMIT_ASSIGN(grant.object.kind, KindFromName(kind));
  REMIT_ASSIGN(grant.grantee, RoleFromJson(grantee, "grantee"));
  REMIT_ASSIGN(grant.grantor, RoleFromJson(grantor, "grantor"));
  if (!IsNumber(grant.owner) || !IsNumber(grant.grantee.oid) || !IsNumber(grant.grantor.oid))
    return Fail(Code::kCorrupt, "bad-plan-file", "a role of the plan is not an OID");
  if (grant.form == GrantForm::kDefault && !IsDefaultKey(grant.key))
    return Fail(Code::kCorrupt, "bad-plan-file", fmt::format("`{}` names no default privileges", EscapeControl(grant.key)));
  if (grant.form != GrantForm::kMembership && !IsPrivilege(grant.privilege))
    return Fail(Code::kCorrupt, "bad-plan-file", fmt::format("PostgreSQL has no privilege `{}`", EscapeControl(grant.privilege)));
  return grant;
}

}  // namespace remit::posture
