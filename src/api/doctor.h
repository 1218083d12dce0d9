// Is everything as it should be? What is looked at, as findings. Pure parts are here; doctor.cc gathers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "json/value.h"
#include "store/store.h"
#include "task/credential.h"

namespace remit::api {

enum class Health { kOk, kWarning, kError };

// One thing that was looked at. `hint` is what to do about it.
struct Finding {
  std::string check;  // "store", "target", …
  Health health = Health::kOk;
  std::string what, hint;

  json::Value ToJson() const;
};

// Credentials that should be dead and have not been for long.
std::vector<Finding> LookAtEnding(const std::vector<task::CredentialRecord>& ending, Time now);

// What GET /v1/webhooks says.
std::vector<Finding> LookAtWebhooks(const json::Value& webhooks);

// Declared accounts of which it is not known which roles they are (broker::Hooks::see_accounts).
std::vector<Finding> LookAtAccounts(const json::Array& seen);

// A target as GET /v1/targets says it, and what its check found (null where it was not asked).
std::vector<Finding> LookAtTarget(const json::Value& target, const Result<json::Value>& report);

// The last events of the ledger, recomputed, and the tree over all of them from its tiles. Quick, also for a ledger of millions.
Finding LookAtLedger(store::Store& store);

}  // namespace remit::api
