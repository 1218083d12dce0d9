// The target's verbs, each handed to the file that knows it.
#include "target/postgres/postgres_target.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/log.h"
#include "pg/name.h"
#include "target/postgres/ender.h"
#include "target/postgres/maker.h"
#include "target/postgres/refusal.h"
#include "target/postgres/role_name.h"
#include "target/postgres/tables.h"

namespace remit::target::postgres {

Result<std::unique_ptr<PostgresTarget>> PostgresTarget::Create(Config config, const Clock& clock, Rng& rng) {
  REMIT_ASSIGN(std::unique_ptr<Server> server, Server::Create(std::move(config)));
  return std::unique_ptr<PostgresTarget>(new PostgresTarget(std::move(server), clock, rng));
}

bool PostgresTarget::Owns(const cedar::EntityUid& action, const cedar::EntityUid& resource) const {
  if (!IsPostgresAction(action) || resource.type != kTableType) return false;
  return std::string_view(resource.id).substr(0, resource.id.find('/')) == name();
}

Status PostgresTarget::CheckPattern(const PermissionPattern& pattern) const { return CheckForm(name(), pattern); }

Result<Plan> PostgresTarget::MakePlan(const std::string& credential_id, const task::PermissionSet& permissions, Rng& rng) const {
  if (!IsId(credential_id, kCredentialPrefix))
    return Fail(Code::kInvalidArgument, "bad-credential", fmt::format("`{}` is not the id of a credential", credential_id));
  REMIT_ASSIGN(const std::vector<TablePrivilege> privileges, PrivilegesOf(name(), permissions));
  if (privileges.empty()) return Fail(Code::kUnsupported, "not-enforceable", "there is nothing to grant");
  Plan plan;
  plan.kind = "postgres-role";
  plan.name = RoleName(server_->config().installation, credential_id);
  plan.notes["database"] = server_->config().database;
  plan.secret = RandomSecret(rng, "");
  return plan;
}

Result<Made> PostgresTarget::Make(const task::CredentialRecord& record, const Secret& secret) {
  auto made = MakeCredential(*server_, path_proofs_, record, secret, clock_, rng_);
  if (!made) path_proofs_.Forget();
  return made;
}

std::map<std::string, Secret> PostgresTarget::Environment(const task::CredentialRecord& record, const Secret& secret) const {
  return EnvironmentOf(*server_, record, secret);
}

Status PostgresTarget::Prolong(const task::CredentialRecord& record, const Secret&) { return ProlongCredential(*server_, record); }

EndResult PostgresTarget::End(const task::CredentialRecord& record, const Secret& secret) {
  EndResult result = EndCredential(*server_, plain_ends_, record, secret, clock_);
  if (result.dead) {
    const std::lock_guard lock(mutex_);
    look_again_.push_back(clock_.Now() + server_->login_limit());
  } else {  // perhaps a refusal by pg_hba.conf, or no answer: the path may not be what it was
    path_proofs_.Forget();
  }
  LookAgainForLateLogins();
  return result;
}

// A login that had shown its password before the role was disarmed is either refused when it gets further, or turns up as a session of a
// role that is gone. By authentication_timeout it has done one of the two.
void PostgresTarget::LookAgainForLateLogins() {
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.Now();
    if (look_again_.empty() || look_again_.front() > now) return;
    while (!look_again_.empty() && look_again_.front() <= now) look_again_.pop_front();
  }
  auto lease = server_->Admin();
  const auto ended = lease ? (*lease)->Exec("SELECT remit.end_late_sessions()") : Result<pg::Rows>(Fail(lease.error()));
  if (!ended) {  // then at the next occasion
    const std::lock_guard lock(mutex_);
    look_again_.push_front(clock_.Now());
  } else if (ended->Int(0, 0) > 0) {
    log::Warn("target {}: ended {} sessions that turned up after their role was dropped", name(), ended->Int(0, 0));
  }
}

Result<std::vector<Found>> PostgresTarget::Sweep() {
  auto lease = server_->Admin();
  if (!lease) return Fail(std::move(lease).error());
  if (const auto late = (*lease)->Exec("SELECT remit.end_late_sessions()"); !late) return Fail(FromServer(late.error(), name()));
  // Left where a process died in between.
  if (const auto back = (*lease)->Exec("SELECT remit.return_scopes()"); !back) return Fail(FromServer(back.error(), name()));
  const auto rows = (*lease)->Exec(
      "SELECT r.rolname, d.description FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid "
      "AND d.classoid = 'pg_authid'::regclass WHERE r.rolname LIKE 'remit\\_%\\_crd\\_%'");
  if (!rows) return Fail(FromServer(rows.error(), name()));
  std::vector<Found> found;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const auto parts = ParseRoleName(rows->Text(i, 0));
    if (!parts || rows->Text(i, 1) != Mark(parts->installation, parts->credential)) continue;
    found.push_back({std::string(rows->Text(i, 0)), parts->installation, parts->credential});
  }
  return found;
}

Result<std::optional<std::string>> PostgresTarget::ReadAnchor() {
  auto lease = server_->Admin();
  if (!lease) return Fail(std::move(lease).error());
  const auto rows = (*lease)->Exec("SELECT remit.read_anchor()");
  if (!rows) return Fail(FromServer(rows.error(), name()));
  if (rows->size() == 0 || rows->IsNull(0, 0)) return std::optional<std::string>();
  return std::optional(std::string(rows->Text(0, 0)));
}

Status PostgresTarget::LeaveAnchor(const std::string& anchor) {
  auto lease = server_->Admin();
  if (!lease) return Fail(std::move(lease).error());
  if (const auto left = (*lease)->Exec("SELECT remit.leave_anchor($1)", {anchor}); !left) return Fail(FromServer(left.error(), name()));
  return {};
}

Status PostgresTarget::Ping() {
  LookAgainForLateLogins();
  REMIT_ASSIGN(pg::Pool::Lease lease, server_->Admin());
  REMIT_TRY(lease->Exec("SELECT 1"));
  return {};
}

}  // namespace remit::target::postgres
