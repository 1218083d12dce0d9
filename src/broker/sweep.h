// Ledger and targets compared: what carries our mark and is not live ends.
#pragma once

#include <vector>

#include "broker/broker.h"

namespace remit::broker {

class Core;

class Sweeps {
 public:
  explicit Sweeps(Core& core) : core_(core) {}

  void Sweep(Answer<json::Value> answer);
  void Housekeeping();
  io::TimerId timer = 0;

 private:
  void Arm();
  void Compare(target::Target& target, const Result<std::vector<target::Found>>& found, Time listed, json::Object& report);

  Core& core_;
};

}  // namespace remit::broker
