// Epochs: what a store calls its present. A store that was restored from a copy begins a new one, in which nothing of before lives.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
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

// Begins the epoch `number`, in one commit, event "epoch.opened". `barred` are so in it, whatever the copy says. Before a Broker opens the
// store. Errors: the store's.
Status OpenEpoch(store::Store& store, std::uint64_t number, Time now, const std::vector<std::string>& barred = {});

}  // namespace remit::broker
