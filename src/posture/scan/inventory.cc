#include "posture/scan/inventory.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::posture {
namespace {

// A role that an account reaches.
struct Reached {
  std::vector<std::string> roles;  // from the account to it
  bool inherited = true;
};
using Closure = std::map<std::uint32_t, Reached>;

// How far a walk has come: roles whose privileges the account simply has; roles that it may SET ROLE to; roles whose privileges it then has.
enum class Mode : std::uint8_t { kInherit, kSet, kAfterSet };

struct Edge {
  std::uint32_t role = 0;
  bool inherit = true, set = true;
};

// INVARIANT: a role that is reached without SET ROLE is never listed as reached only with it.
Closure ClosureOf(const Inventory& inventory, const std::multimap<std::uint32_t, Edge>& edges, const Role& account) {
  std::map<std::pair<std::uint32_t, Mode>, std::vector<std::string>> seen;
  std::deque<std::pair<std::uint32_t, Mode>> queue;
  auto reach = [&](std::uint32_t role, Mode mode, std::vector<std::string> path) {
    if (seen.emplace(std::pair(role, mode), std::move(path)).second) queue.emplace_back(role, mode);
  };
  reach(account.oid, Mode::kInherit, {account.name});
  reach(account.oid, Mode::kSet, {account.name});
  while (!queue.empty()) {
    const auto [role, mode] = queue.front();
    queue.pop_front();
    const std::vector<std::string> path = seen.at({role, mode});
    for (auto [it, end] = edges.equal_range(role); it != end; ++it) {
      const Edge& edge = it->second;
      std::vector<std::string> further = path;
      further.push_back(inventory.NameOf(edge.role));
      if (mode == Mode::kInherit && edge.inherit) reach(edge.role, Mode::kInherit, further);
      if (mode == Mode::kSet && edge.set) reach(edge.role, Mode::kSet, further);
      if (mode != Mode::kInherit && edge.inherit) reach(edge.role, Mode::kAfterSet, further);
    }
  }
  Closure closure;
  for (Mode mode : {Mode::kInherit, Mode::kSet, Mode::kAfterSet})
    for (auto& [key, path] : seen)
      if (key.second == mode) closure.try_emplace(key.first, Reached{path, mode == Mode::kInherit});
  return closure;
}

bool IsRelation(ObjectKind kind) {
  return kind == ObjectKind::kTable || kind == ObjectKind::kView || kind == ObjectKind::kForeignTable || kind == ObjectKind::kSequence;
}

// Builds the holdings of one account.
class Holder {
 public:
  Holder(const Inventory& inventory, const Role& account) : inventory_(inventory), account_(account) {
    for (const Role& role : inventory.roles) {
      names_[role.oid] = role.name;
      if (role.name == "pg_read_all_data") reads_all_ = role.oid;
      if (role.name == "pg_write_all_data") writes_all_ = role.oid;
      if (role.name == "pg_database_owner") owns_database_ = role.oid;
    }
    for (const Membership& m : inventory.memberships) edges_.emplace(m.member, Edge{m.role, m.inherit, m.set});
    for (const OwnedObject& object : inventory.objects)
      if (object.object.kind == ObjectKind::kDatabase) owners_[object.object.name] = object.owner;
    closures_[""] = ClosureOf(inventory, edges_, account);
  }

  std::vector<Holding> Take() {
    Attributes();
    if (!account_.superuser) {
      for (const AclEntry& entry : inventory_.acl) FromAcl(entry);
      for (const OwnedObject& object : inventory_.objects) FromObject(object);
      for (const FutureGrant& grant : inventory_.future) FromFuture(grant);
    }
    std::ranges::sort(holdings_, {}, [](const Holding& h) { return std::tie(h.object, h.privilege, h.path.via, h.path.roles, h.path.grantor); });
    return std::move(holdings_);
  }

 private:
  // In a database its owner is a member of pg_database_owner without being told so.
  const Closure& ClosureIn(const std::string& database) {
    if (auto it = closures_.find(database); it != closures_.end()) return it->second;
    auto found = owners_.find(database);
    const Role* owner = found == owners_.end() ? nullptr : inventory_.FindRole(found->second);
    if (owner == nullptr || owns_database_ == 0) return closures_.at("");
    std::multimap<std::uint32_t, Edge> edges = edges_;
    edges.emplace(owner->oid, Edge{owns_database_, inventory_.server_version >= 160000 || owner->inherit, false});
    return closures_.emplace(database, ClosureOf(inventory_, edges, account_)).first->second;
  }

  const Reached* Find(std::uint32_t role, const std::string& database) {
    const Closure& closure = ClosureIn(database);
    auto it = closure.find(role);
    return it == closure.end() ? nullptr : &it->second;
  }

  void Add(Object object, std::string privilege, bool grantable, Via via, const Reached& reached, std::string grantor = {}) {
    holdings_.push_back(
        {account_.name, std::move(object), std::move(privilege), grantable, {via, reached.roles, std::move(grantor), reached.inherited}});
  }

  void Attributes() {
    const Reached self{{account_.name}, true};
    if (account_.superuser) return Add({}, "SUPERUSER", true, Via::kSuperuser, self);
    // Attributes are not inherited: they hold after SET ROLE alone.
    for (const auto& [oid, reached] : closures_.at("")) {
      const Role* role = inventory_.FindRole(oid);
      if (role == nullptr) continue;
      const Reached how{reached.roles, oid == account_.oid};
      if (role->superuser) Add({}, "SUPERUSER", true, Via::kSuperuser, how);
      if (role->create_role) Add({}, "CREATEROLE", false, Via::kAttribute, how);
      if (role->create_db) Add({}, "CREATEDB", false, Via::kAttribute, how);
      if (role->replication) Add({}, "REPLICATION", false, Via::kAttribute, how);
      if (role->bypass_rls) Add({}, "BYPASSRLS", false, Via::kAttribute, how);
      if (role->name.starts_with("pg_") && oid != account_.oid) Add({}, role->name, false, Via::kPredefined, reached);
    }
  }

  void FromAcl(const AclEntry& entry) {
    const OwnedObject& owned = inventory_.objects[entry.object];
    Object object = owned.object;
    if (!entry.column.empty()) {
      object.kind = ObjectKind::kColumn;
      object.column = entry.column;
    }
    if (entry.grantee == kPublicOid) {
      Add(std::move(object), entry.privilege, entry.grantable, entry.by_default ? Via::kDefault : Via::kPublic, {{account_.name}, true},
          entry.by_default ? "" : NameOf(entry.grantor));
      return;
    }
    const Reached* reached = Find(entry.grantee, owned.object.database);
    if (reached == nullptr) return;
    if (entry.grantee == owned.owner && entry.grantor == owned.owner) {
      Add(std::move(object), entry.privilege, true, Via::kOwner, *reached);
    } else {
      Add(std::move(object), entry.privilege, entry.grantable, Via::kGrant, *reached, NameOf(entry.grantor));
    }
  }

  // Ownership, and what the roles of PostgreSQL's own give.
  void FromObject(const OwnedObject& owned) {
    const Object& object = owned.object;
    if (const Reached* reached = Find(owned.owner, object.database)) Add(object, "OWN", true, Via::kOwner, *reached);
    auto predefined = [&](std::uint32_t role, std::initializer_list<std::string_view> privileges) {
      const Reached* reached = role == 0 ? nullptr : Find(role, object.database);
      if (reached == nullptr) return;
      for (std::string_view privilege : privileges) Add(object, std::string(privilege), false, Via::kPredefined, *reached);
    };
    if (IsRelation(object.kind)) {
      predefined(reads_all_, {"SELECT"});
      if (object.kind == ObjectKind::kSequence) {
        predefined(writes_all_, {"UPDATE"});
      } else {
        predefined(writes_all_, {"INSERT", "UPDATE", "DELETE"});
      }
    }
    if (object.kind == ObjectKind::kSchema) {
      predefined(reads_all_, {"USAGE"});
      predefined(writes_all_, {"USAGE"});
    }
  }

  void FromFuture(const FutureGrant& grant) {
    Object object;
    object.kind = grant.schema.empty() ? ObjectKind::kDatabase : ObjectKind::kSchema;
    object.database = grant.schema.empty() ? "" : grant.database;
    object.name = grant.schema.empty() ? grant.database : grant.schema;
    if (grant.grantee == kPublicOid) {
      Add(object, grant.privilege, grant.grantable, Via::kFuture, {{"PUBLIC"}, true}, NameOf(grant.grantor));
    } else if (const Reached* reached = Find(grant.grantee, grant.database); reached != nullptr && grant.grantee != grant.grantor) {
      Add(object, grant.privilege, grant.grantable, Via::kFuture, *reached, NameOf(grant.grantor));
    }
  }

  std::string NameOf(std::uint32_t oid) const {
    auto it = names_.find(oid);
    return it == names_.end() ? inventory_.NameOf(oid) : it->second;
  }

  const Inventory& inventory_;
  const Role& account_;
  std::unordered_map<std::uint32_t, std::string> names_;
  std::uint32_t reads_all_ = 0, writes_all_ = 0, owns_database_ = 0;  // 0: this server has no such role
  std::multimap<std::uint32_t, Edge> edges_;
  std::map<std::string, std::uint32_t> owners_;
  std::map<std::string, Closure> closures_;
  std::vector<Holding> holdings_;
};

// The most telling value of a setting for an account in a database: of the role there, of the role, of the database, of the server.
std::string SettingFor(const Inventory& inventory, std::string_view account, std::string_view database, const std::string& name) {
  const std::pair<std::string_view, std::string_view> places[] = {{account, database}, {account, ""}, {"", database}, {"", ""}};
  for (auto [role, where] : places)
    for (const RoleSetting& setting : inventory.role_settings)
      if (setting.role == role && setting.database == where && setting.name == name) return setting.value;
  auto it = inventory.settings.find(name);
  return it == inventory.settings.end() ? "" : it->second;
}

// "read, write", "all, -misc": whether it names the class in the end.
bool Names(std::string_view classes, std::string_view wanted) {
  bool on = false;
  for (const std::string& part : Split(classes, ',')) {
    std::string one(Trim(part));
    for (char& c : one)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (one == "all" || one == wanted) on = true;
    if (one == "none" || one == "-all" || one == "-" + std::string(wanted)) on = false;
  }
  return on;
}

bool IsOn(std::string_view value) { return value == "on" || value == "true" || value == "yes" || value == "1"; }

}  // namespace

const Role* Inventory::FindRole(std::string_view name) const {
  auto it = std::ranges::find(roles, name, &Role::name);
  return it == roles.end() ? nullptr : &*it;
}

const Role* Inventory::FindRole(std::uint32_t oid) const {
  auto it = std::ranges::find(roles, oid, &Role::oid);
  return it == roles.end() ? nullptr : &*it;
}

std::string Inventory::NameOf(std::uint32_t oid) const {
  if (oid == kPublicOid) return "PUBLIC";
  const Role* role = FindRole(oid);
  return role == nullptr ? fmt::format("oid {}", oid) : role->name;
}

std::vector<Holding> HoldingsOf(const Inventory& inventory, std::string_view account) {
  const Role* role = inventory.FindRole(account);
  if (role == nullptr) return {};
  return Holder(inventory, *role).Take();
}

ObjectIndex::ObjectIndex(const Inventory& inventory) : inventory_(inventory) {
  for (std::uint32_t i = 0; i < inventory.objects.size(); ++i) by_name_.emplace(inventory.objects[i].plain_name, i);
}

std::vector<Object> ObjectIndex::Find(std::string_view database, std::string_view schema, std::string_view plain_name,
                                      const std::vector<ObjectKind>& kinds) const {
  std::vector<Object> found;
  for (auto [it, end] = by_name_.equal_range(std::string(plain_name)); it != end; ++it) {
    const Object& object = inventory_.objects[it->second].object;
    const bool server_wide = object.kind == ObjectKind::kDatabase || object.kind == ObjectKind::kTablespace;
    if ((!server_wide && object.database != database) || (!schema.empty() && object.schema != schema)) continue;
    if (std::ranges::find(kinds, object.kind) != kinds.end()) found.push_back(object);
  }
  std::ranges::sort(found);
  return found;
}

AuditCoverage CoverageOf(const Inventory& inventory, std::string_view account, std::string_view database) {
  AuditCoverage coverage;
  coverage.loaded = inventory.settings.contains("pgaudit.log");
  if (!coverage.loaded) return coverage;
  const std::string classes = SettingFor(inventory, account, database, "pgaudit.log");
  coverage.reads = Names(classes, "read");
  coverage.writes = Names(classes, "write");
  coverage.relations = IsOn(SettingFor(inventory, account, database, "pgaudit.log_relation"));
  return coverage;
}

}  // namespace remit::posture
