// Which live tasks are sub-tasks of which, by their ids. Most tasks have none, and cost nothing here.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

namespace remit::broker {

// Not thread-safe: it lives under the broker's mutex.
class TaskTree {
 public:
  void Add(const std::string& child, const std::string& parent) {
    if (!parent.empty()) children_[parent].push_back(child);
  }
  void Remove(const std::string& child, const std::string& parent) {
    auto found = children_.find(parent);
    if (found == children_.end()) return;
    std::erase(found->second, child);
    if (found->second.empty()) children_.erase(found);
  }
  // In the order in which they came.
  const std::vector<std::string>& ChildrenOf(const std::string& parent) const {
    static const std::vector<std::string> kNone;
    auto found = children_.find(parent);
    return found == children_.end() ? kNone : found->second;
  }

 private:
  std::unordered_map<std::string, std::vector<std::string>> children_;  // by parent
};

}  // namespace remit::broker
