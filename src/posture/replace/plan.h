// What `remit replace` will do to one account of a PostgreSQL server, as data: what goes, what falls with it, what stays and why. A plan is known by
// its hash: apply makes the plan anew and goes on only where the two are equal.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "json/value.h"
#include "posture/grants/item.h"

namespace remit::posture {

// Something that the account can do after all of this. It is reported, never claimed to be gone.
struct Left {
  Via via = Via::kPublic;  // kPublic, kOwner, kSuperuser, kAttribute; kGrant for what could not be read
  std::string database;    // "" for what is shared
  std::string id;          // what the server knows it by
  std::string what;        // "table public.t"
  std::string privilege;   // "OWNER" for ownership itself
  std::string note;        // may be empty
  bool operator==(const Left&) const = default;
  std::string ToString() const;  // "SELECT on table public.t in database `x` by public"
};

// A grant that no statement takes away: PostgreSQL takes a grant back from its grantor alone, and that one cannot act any more.
struct Kept {
  Grant grant;
  std::string reason;
};

struct ReplacePlan {
  RoleRef account;
  std::string system;              // the cluster's identifier
  int version = 0;                 // of the server, 150020
  std::vector<RoleRef> databases;  // that were read, by OID
  bool superuser = false;          // then nothing here takes anything away
  std::vector<RoleRef> members;    // of the account, however far: they lose what they have through it
  std::vector<Grant> removed;      // to the account, in the order in which they go
  std::vector<Grant> cascades;     // others' that fall with them, since the account granted them
  std::vector<Kept> kept;
  std::vector<Left> left;
};

json::Value PlanToJson(const ReplacePlan& plan);
// Errors: `bad-plan-file`, and those of json::ObjectReader.
Result<ReplacePlan> PlanFromJson(const json::Value& value);

// Of the canonical JSON, in hex.
std::string PlanHash(const ReplacePlan& plan);

// What is different now, one line each; none where the hashes are equal. With `begun`, what `planned` takes away may be gone already.
std::vector<std::string> Differences(const ReplacePlan& planned, const ReplacePlan& now, bool begun = false);

}  // namespace remit::posture
