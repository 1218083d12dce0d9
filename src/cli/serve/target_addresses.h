// A target's password was given for an address. Where the address changes and the password does not, it is not sent there: whoever can change
// a host's name must not be handed what was meant for another.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "crypto/master_key.h"
#include "store/store.h"

namespace remit::cli {

// Compares with what the store notes of each target (meta row "target/NAME": the address, and a code of the password by the master key), and
// notes what is new, event "target.changed". Before any target is connected to. Errors: `target-moved`, the store's, PostgresConfig's.
Status KeepTargetAddresses(store::Store& store, const crypto::MasterKey& master, const std::vector<config::TargetSettings>& targets, Time now);

}  // namespace remit::cli
