// Whoever ended or suspended tasks waits until their credentials are dead, or as long as he likes, and is told how far each is.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace remit::broker {

class Core;

class EndWaits {
 public:
  explicit EndWaits(Core& core) : core_(core) {}

  // Answers once the credentials of all these are dead, after `wait` (a minute at most) in any case. The first is the task that was asked about, the
  // others went with it. What cannot be shown is not dead.
  void AwaitDead(std::vector<task::TaskRecord> records, Duration wait, Answer<EndAnswer> answer);

 private:
  void Watch(const std::string& task_id, std::function<bool()> watch);
  void Say(const std::vector<task::TaskRecord>& records, const Answer<EndAnswer>& answer);

  Core& core_;
};

}  // namespace remit::broker
