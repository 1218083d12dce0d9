// What people type of a task: `service=checkout environment=prod`, and permissions as one line.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace remit::cli {

// {"service": "checkout", …}: all strings, to be read by their declared types. Errors: `bad-parameter`, `duplicate-parameter`.
Result<json::Value> ParseParameters(const std::vector<std::string>& words);

// What is typed to start a task.
struct StartWords {
  std::string type, reason, ttl, at;
  std::vector<std::string> parameters;
  bool break_glass = false;
};

// The body of POST /v1/tasks.
Result<json::Value> StartBody(const StartWords& words, bool held);

// "ticket.comment on Ticket::\"T-17\" (once)", from a permission's JSON form.
std::string PermissionLine(const json::Value& permission);

}  // namespace remit::cli
