// A change of the server itself (a catalog, facts, who is registered, an offboarding) that waits for people's yes, because the catalog in
// force has an `@unless_approved` on its verb. Kept beside the approvals of uses, in the same table.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "cedar/value.h"
#include "json/value.h"
#include "task/task.h"

namespace remit::broker {

struct ChangeRequest {
  std::string id;               // apv_…
  std::string verb;             // "catalog.load", …
  std::vector<std::string> on;  // ids of Remit::EntityType for "facts.put"; empty: the server
  cedar::EntityUid by;          // who asked
  bool by_person = false;
  std::string base;     // hash of the catalog in force when it was asked: under another one, it is asked again
  json::Value content;  // exactly what will be done; a catalog stands there by its hash
  json::Value shown;    // the same for people to read
  Hash hash{};          // of all of the above
  std::uint32_t needed = 1;
  std::vector<task::Yes> yes;
  Time requested{}, expires{};

  // INVARIANT: everything that will be done, and who asked under which catalog: a yes to one change is none to another.
  Hash Digest() const;
  json::Value ToJson() const;
  static bool IsOne(const json::Value& row);  // and not the approval of a use
  static Result<ChangeRequest> FromJson(const json::Value& row);
};

// Who said yes, and when: to the microsecond for the row, else for people.
json::Array GivenJson(const std::vector<task::Yes>& yes, bool exact);

}  // namespace remit::broker
