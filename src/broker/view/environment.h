// The variables of several credentials for one command.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace remit::broker {

using Environment = std::map<std::string, Secret>;

// Adds what a credential at `target` gives. Each variable is there under its own name, PGHOST, for the first target that gives it, and,
// once a second target gives the same, under a name per target for all of them: ORDERS_PGHOST.
class EnvironmentBuilder {
 public:
  void Add(std::string_view target, const Environment& variables);
  Environment Build() const;

 private:
  struct Part {
    std::string prefix;
    Environment variables;
  };
  std::vector<Part> parts_;
};

// A target's name as the beginning of a variable's: "orders-eu" gives "ORDERS_EU_".
std::string VariablePrefix(std::string_view target);

}  // namespace remit::broker
