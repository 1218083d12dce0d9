#include "broker/view/environment.h"

#include <set>

namespace remit::broker {

std::string VariablePrefix(std::string_view target) {
  std::string prefix;
  for (char c : target)
    prefix += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ? c : '_';
  if (!prefix.empty() && prefix[0] >= '0' && prefix[0] <= '9') prefix.insert(0, "_");
  return prefix + "_";
}

void EnvironmentBuilder::Add(std::string_view target, const Environment& variables) {
  if (!variables.empty()) parts_.push_back({VariablePrefix(target), variables});
}

Environment EnvironmentBuilder::Build() const {
  Environment all;
  std::set<std::string> shared;
  for (const Part& part : parts_)
    for (const auto& [name, value] : part.variables)
      if (!all.emplace(name, value).second) shared.insert(name);
  if (shared.empty()) return all;
  for (const Part& part : parts_)
    for (const auto& [name, value] : part.variables) all.emplace(part.prefix + name, value);
  return all;
}

}  // namespace remit::broker
