// What people type of a task: `service=checkout environment=prod`, and permissions as one line.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace remit::cli {

// {"service": "checkout", …}: all strings, to be read by their declared types. Errors: `bad-parameter`, `duplicate-parameter`.
Result<json::Value> ParseParameters(const std::vector<std::string>& words);

// The body of POST /v1/tasks.
Result<json::Value> StartBody(const std::string& type, const std::vector<std::string>& words, const std::string& reason, const std::string& ttl,
                              bool held);

// "ticket.comment on Ticket::\"T-17\" (once)", from a permission's JSON form.
std::string PermissionLine(const json::Value& permission);

}  // namespace remit::cli
