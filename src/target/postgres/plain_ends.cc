// Three statements, two of them commits:
//
//   disarm     where no session and no prepared transaction stands in the way: NOLOGIN, no password, no membership
//   drop       where that is so, and nobody got in meanwhile, and it owns nothing
//   gone       the OID and the name are gone, and no session has it
//
// INVARIANT: each step looks with a snapshot that is younger than the commit before. A session that began before a role was disarmed is
// seen by the next step, and its role is left for ender.cc; one that turns up later belongs to a login that was under way (README.md).
#include "target/postgres/plain_ends.h"

#include <algorithm>

#include <fmt/format.h>

#include "pg/quote.h"
#include "target/postgres/evidence.h"
#include "target/postgres/role_name.h"

namespace remit::target::postgres {
namespace {

constexpr std::size_t kTogetherMax = 64;  // more would hold locks on more rows than it saves commits

// Arguments: OIDs, names, marks. It waits for a lock of somebody else's a tenth of a second: the others are not to wait for one. A making that is
// still under way has the mark as its application name.
constexpr std::string_view kDisarm =
    "WITH activity AS MATERIALIZED (SELECT usesysid, application_name FROM pg_stat_get_activity(NULL)), "
    "prepared AS MATERIALIZED (SELECT p.ownerid, r.rolname FROM pg_prepared_xact() p LEFT JOIN pg_roles r ON r.oid = p.ownerid), "
    "quiet AS MATERIALIZED (SELECT r.oid, r.rolname FROM pg_roles r JOIN unnest($1::oid[], $2::text[], $3::text[]) AS w(oid, name, mark) "
    "ON r.oid = w.oid AND r.rolname = w.name "
    "WHERE NOT EXISTS (SELECT FROM activity a WHERE a.usesysid = w.oid OR a.application_name = w.mark) "
    "AND NOT EXISTS (SELECT FROM prepared p WHERE p.ownerid = w.oid OR p.rolname LIKE 'remit\\_scope\\_%')), "
    "patience AS MATERIALIZED (SELECT set_config('lock_timeout', '100', true)) "
    "SELECT rolname, remit.disarm(oid) FROM quiet, patience";

// Argument: OIDs.
constexpr std::string_view kDrop =
    "WITH activity AS MATERIALIZED (SELECT usesysid FROM pg_stat_get_activity(NULL)), "
    "harmless AS MATERIALIZED (SELECT r.oid, r.rolname FROM pg_roles r WHERE r.oid = ANY ($1::oid[]) AND NOT r.rolcanlogin "
    "AND NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid) "
    "AND NOT EXISTS (SELECT FROM activity a WHERE a.usesysid = r.oid) "
    "AND NOT EXISTS (SELECT FROM pg_prepared_xact() p WHERE p.ownerid = r.oid) "
    "AND NOT EXISTS (SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.dbid <> 0)) "
    "SELECT rolname, remit.drop(oid) FROM harmless";

// Arguments: OIDs, names.
constexpr std::string_view kGone =
    "SELECT w.name FROM unnest($1::oid[], $2::text[]) AS w(oid, name) "
    "WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = w.oid OR r.rolname = w.name) "
    "AND NOT EXISTS (SELECT FROM pg_stat_get_activity(NULL) a WHERE a.usesysid = w.oid)";

}  // namespace

PlainEnds::Load PlainEnds::load() {
  const std::lock_guard lock(mutex_);
  return {under_way_, waiting_.size()};
}

PlainEnds::Outcome PlainEnds::End(const task::CredentialRecord& record) {
  // One that was tried before has met something; one without an OID may still be in the making.
  const auto oid = record.notes.find("oid");
  if (oid == record.notes.end() || !record.evidence.empty() || record.name != RoleName(server_.config().installation, record.id)) return {};
  Waiting mine{record, oid->second, false, {}};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  while (!mine.done) {
    if (under_way_ > 0) {
      changed_.wait(lock);
      continue;
    }
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kTogetherMax));
    const std::vector<Waiting*> batch(waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
    under_way_ = batch.size();
    lock.unlock();
    Run(batch);
    lock.lock();
    under_way_ = 0;
    for (Waiting* one : batch) one->done = true;
    changed_.notify_all();
  }
  return std::move(mine.outcome);
}

void PlainEnds::Run(const std::vector<Waiting*>& batch) {
  auto admin = server_.Admin();
  if (!admin) {
    for (Waiting* one : batch) one->outcome.unreachable = admin.error();
    return;
  }
  std::vector<Waiting*> ours;
  for (Waiting* one : batch) {
    const auto system = one->record.notes.find("system");
    if (system != one->record.notes.end() && server_.IsSameSystem(system->second)) ours.push_back(one);
  }
  // A failure in the midst (a conflict, a lock, a role that is not ours) undoes that statement for all of them: each goes its own way then.
  (void)Steps(**admin, std::move(ours));
}

Status PlainEnds::Steps(pg::Connection& admin, std::vector<Waiting*> left) {
  const auto arguments = [&](auto text_of) {
    std::vector<std::string> texts;
    for (const Waiting* one : left) texts.push_back(text_of(*one));
    return pg::TextArray(texts);
  };
  const auto oids = [](const Waiting& one) { return one.oid; };
  const auto names = [](const Waiting& one) { return one.record.name; };
  const auto marks = [&](const Waiting& one) { return Mark(server_.config().installation, one.record.id); };
  // Those that the rows name. Not by OID: what was noted of two may be the same, and is right for one at most.
  const auto keep = [&](const pg::Rows& rows) {
    std::erase_if(left, [&](const Waiting* one) {
      for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows.Text(i, 0) == one->record.name) return false;
      return true;
    });
  };

  if (left.empty()) return {};
  REMIT_ASSIGN(const pg::Rows disarmed, admin.Exec(kDisarm, {arguments(oids), arguments(names), arguments(marks)}));
  keep(disarmed);
  if (left.empty()) return {};
  REMIT_ASSIGN(const pg::Rows dropped, admin.Exec(kDrop, {arguments(oids)}));
  keep(dropped);
  for (Waiting* one : left) one->outcome.evidence.push_back(Disarmed(0, 0, clock_.Now()));
  if (left.empty()) return {};
  REMIT_ASSIGN(const pg::Rows gone, admin.Exec(kGone, {arguments(oids), arguments(names)}));
  keep(gone);
  for (Waiting* one : left) {
    one->outcome.evidence.push_back(Gone(one->oid, one->record.name, clock_.Now()));
    one->outcome.gone = true;
  }
  return {};
}

}  // namespace remit::target::postgres
