// One `remit run`: start the task, wait for its yes, hold it, run the command, and see that everything is over. Blocking, one thread that
// polls; the server's words come from threads of the HTTP client through mailboxes.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "json/value.h"

namespace remit::cli {

struct RunOptions {
  json::Value start{};                 // the body of POST /v1/tasks
  std::string parent{};                // the task that it is a part of; "" for none
  std::vector<std::string> command{};  // not empty
  Duration kill_after{};               // between SIGTERM and SIGKILL, when the task ends first
  Duration wait{};                     // for approval
  bool quiet = false;
  bool isolate = false;  // a user (as root) and namespaces of its own for the command
};

// The exit code: the command's own (128 + signal where it died of one); 127 or 126 where there is no such command or it cannot be executed;
// 9 where the task ended first; 128 + signal where one came before the command ran.
// Errors: `cannot-isolate`; those of starting a task, `not-approved`, `task-ended-first`, `cannot-hold`, `credentials-not-live`.
Result<int> RunTask(const RunOptions& options);

}  // namespace remit::cli
