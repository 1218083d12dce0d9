// The target: what the broker sees of PostgreSQL.
#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "target/postgres/check.h"
#include "target/postgres/path_proof.h"
#include "target/postgres/plain_ends.h"
#include "target/postgres/server.h"
#include "target/target.h"

namespace remit::target::postgres {

class PostgresTarget final : public Target {
 public:
  // Touches no network. `clock` and `rng` must outlive it. Errors: `bad-target`, `bad-connect-options`.
  static Result<std::unique_ptr<PostgresTarget>> Create(Config config, const Clock& clock, Rng& rng);

  std::string_view type() const override { return "postgres"; }
  const std::string& name() const override { return server_->config().name; }

  // Its own: the four actions on Postgres::Table whose id begins with this target's name.
  bool Owns(const cedar::EntityUid& action, const cedar::EntityUid& resource) const override;
  Status CheckPattern(const PermissionPattern& pattern) const override;
  Result<Plan> MakePlan(const std::string& credential_id, const task::PermissionSet& permissions, Rng& rng) const override;
  Result<Made> Make(const task::CredentialRecord& record, const Secret& secret) override;
  std::map<std::string, Secret> Environment(const task::CredentialRecord& record, const Secret& secret) const override;
  Status Prolong(const task::CredentialRecord& record, const Secret& secret) override;
  EndResult End(const task::CredentialRecord& record, const Secret& secret) override;

  // Also ends sessions that turned up after their role was dropped. Call it at least once a minute.
  Result<std::vector<Found>> Sweep() override;
  std::vector<std::string> Accepted() const override { return server_->config().accepted; }
  Status Ping() override;
  // In schema `remit`. A server that was prepared by an older version keeps none: run `remit target init` again.
  Result<std::optional<std::string>> ReadAnchor() override;
  Status LeaveAnchor(const std::string& anchor) override;

  // What PUBLIC may do on this server: `remit target check NAME`.
  Result<CheckReport> Check() { return CheckPublicRights(*server_); }

 private:
  PostgresTarget(std::unique_ptr<Server> server, const Clock& clock, Rng& rng)
      : server_(std::move(server)), plain_ends_(*server_, clock), clock_(clock), rng_(rng) {}
  void LookAgainForLateLogins();

  std::unique_ptr<Server> server_;
  PlainEnds plain_ends_;
  PathProofs path_proofs_;
  const Clock& clock_;
  Rng& rng_;
  std::mutex mutex_;
  std::deque<Time> look_again_;  // when the time of a login that was under way at somebody's end is over
};

}  // namespace remit::target::postgres
