// Replays a log against a proposal: had each session been a task of the proposed type, what would have been allowed, what refused, and how many
// tasks it takes. Asks the catalog itself, loaded as a server would load it. Pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cedar/entities.h"
#include "posture/propose/propose.h"
#include "posture/scan/inventory.h"
#include "posture/scan/usage.h"
#include "task/catalog.h"

namespace remit::posture {

enum class Verdict : std::uint8_t {
  kAllowed,  // the task may start for this table, and do this
  kPublic,   // the task's role may do it as everybody may
  kOthers,   // done with the rights of a view's or function's owner: nothing was asked of the account
  kRefused,  // the account could, the task cannot: nor may it where an INSERT may have drawn on a sequence that is not the table's own
  kUnclear,  // which object it was cannot be told
};
std::string_view VerdictName(Verdict verdict);  // "allowed", "public", "others-rights", "refused", "unclear"

struct ReplayedUse {
  std::string account, database, privilege, object;  // `public.invoices`
  Verdict verdict = Verdict::kUnclear;
  std::uint64_t count = 0, sessions = 0;
};

struct ReplayedType {
  std::string name, account, database;
  std::uint64_t whole = 0, cut = 0;  // sessions without and with something refused or unclear
  std::uint64_t tasks = 0;           // that would have been started: one a session, more where it lasted longer than a task lives
  std::uint64_t most_a_day = 0;      // by UTC day of the session's start
};

struct ReplayReport {
  std::vector<ReplayedType> types;
  std::vector<ReplayedUse> uses;               // of the accounts that have a type
  std::uint64_t Count(Verdict verdict) const;  // lines
};

class Replay {
 public:
  // All must outlive it. `facts` are those of the proposal.
  Replay(const Inventory& inventory, const ScanReport& scan, const Proposal& proposal, const task::Catalog& catalog, const cedar::EntityView& facts);

  void Session(const SessionSeen& session);
  ReplayReport Finish(const UsageReport& usage);

 private:
  struct Type {
    const ProposedType* proposed = nullptr;
    ReplayedType report;
    std::map<std::int64_t, std::uint64_t> days;
  };
  Verdict Of(const NamedUse& use, const ProposedType& type);
  Verdict Judge(const NamedUse& use, const ProposedType& type) const;
  Verdict Inserted(const NamedUse& use, const Object& table) const;
  bool Allows(const ProposedType& type, const Object& table, const std::string& privilege) const;

  const ScanReport& scan_;
  const task::Catalog& catalog_;
  const cedar::EntityView& facts_;
  ObjectIndex index_;
  std::map<std::pair<std::string, std::string>, Type> types_;  // by account and database
  std::map<std::string, Verdict> known_;
};

}  // namespace remit::posture
