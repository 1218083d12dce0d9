// Epochs: what a store calls its present. A store that was restored from a copy begins a new one, in which nothing of before lives.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "broker/open/barred_list.h"
#include "crypto/master_key.h"
#include "store/store.h"

namespace remit::broker {

struct Epoch {
  std::uint64_t number = 1;
  Time since{};  // what was asked for before is over, also where its end could not be written down yet
};

// The first where the store names none. Errors: the store's.
Result<Epoch> ReadEpoch(store::Store& store);

// The time of the ledger's last event; the beginning of time where there is none, or its body was erased. Errors: the store's.
Result<Time> LastEventTime(store::Store& store);

// Begins the epoch `number`, in one commit, event "epoch.opened". Whoever is barred in the list is so in it, and of keys of receipts none is trusted
// that the list does not name, whatever the copy says. Before a Broker opens the store. Errors: the store's, OpenKeys's.
Status OpenEpoch(store::Store& store, const crypto::MasterKey& master, Rng& rng, std::uint64_t number, Time now, const BarredList& list = {});

}  // namespace remit::broker
