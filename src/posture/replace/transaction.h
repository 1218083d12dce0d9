// Inside this room only: one open transaction in one database that changes grants and is held to what was planned before it is committed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "posture/replace/make.h"

namespace remit::posture {

class ReplaceTransaction {
 public:
  // BEGIN, and the grants as they are. Errors: `unsafe-event-trigger`, pg::Connection's.
  static Result<std::unique_ptr<ReplaceTransaction>> Begin(ReplaceServer& server, const std::string& database);

  const std::string& database() const { return database_; }
  const std::vector<Grant>& before() const { return before_; }
  bool has_shared() const { return reading_ == Reading::kDatabaseAndShared; }

  // Takes away what the plan says is here, and compares. Errors: `changed-since-plan`, `more-left-than-planned`, a statement's own.
  Status Remove(const ReplacePlan& plan);
  // Gives back of `grants` what is here and missing, and compares. What cannot be given back is noted in `lost`.
  Status Restore(std::vector<Grant> grants, const std::string& account_oid, std::vector<std::string>& lost);
  // Errors: `more-left-than-planned`.
  Status AskWhatStays(const ReplacePlan& plan);
  Status Commit();

  std::size_t changed() const { return changed_; }
  std::size_t fallen() const { return fallen_; }

 private:
  struct Restoring {
    std::vector<Grant> waiting, come, gone;
  };

  Status RestoreRound(Acls& acls, Restoring& restoring);
  Status Send(const Grant& grant, const std::string& role, const std::string& statement);
  Status Compare(const std::vector<Grant>& gone, const std::vector<Grant>& come, std::string_view reason);
  Result<std::vector<Grant>> Missing(std::vector<Grant> grants, std::vector<std::string>& lost);

  std::string database_;
  Reading reading_ = Reading::kDatabase;
  std::unique_ptr<pg::Connection> connection_;
  std::vector<Grant> before_;
  RoleGraph roles_;
  std::string role_;  // the current one, as GrantSql has it
  std::size_t changed_ = 0, fallen_ = 0;
};

}  // namespace remit::posture
