// Proofs that something stands in the ledger.
#pragma once

#include <string>

#include "broker/broker.h"

namespace remit::broker {

class Core;

class Receipts {
 public:
  explicit Receipts(Core& core) : core_(core) {}

  // That an event, with this body, is in the ledger: with its path and a signed checkpoint. Not under the mutex: reads the store and signs.
  // Errors: `store-corrupt` where another event is there, the store's.
  Result<json::Value> ProofOf(std::uint64_t index, const std::string& body);

 private:
  Core& core_;
};

}  // namespace remit::broker
