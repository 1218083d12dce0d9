// A target's passwords were given for an address. Where the address changes and a password does not, it is not sent there: whoever can change
// a host's name must not be handed what was meant for another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/config.h"
#include "crypto/master_key.h"
#include "store/store.h"

namespace remit::cli {

// Compares with what the store notes, and notes what is new, event "target.changed". Before any target is connected to. Noted are
//   meta row "target/NAME"           the target's address, and a code of each of its two passwords
//   meta row "target-password/CODE"  the servers that a password was given for, whatever target names it and as whose password
// The codes are keyed by the master key: without it they say nothing of a password. The second row stays when a target is renamed or taken out.
// Errors: `target-moved`, `store-corrupt` (a password's row cannot be read), the store's, PostgresConfig's, SuperuserOptions'.
Status KeepTargetAddresses(store::Store& store, const crypto::MasterKey& master, const std::vector<config::TargetSettings>& targets, Time now);

// For a password that is read anew, from the file that the setting `file` names, while the server runs: notes its server where it is a new one. One
// call at a time. Errors: `target-moved`, `store-corrupt`, the store's, TargetAddress's.
Status KeepTargetPassword(store::Store& store, const crypto::MasterKey& master, const config::TargetSettings& target, std::string_view file,
                          const Secret& password);

}  // namespace remit::cli
