// What there is to tell of one event: the event itself, and the task that it is about, as far as people need it to know what is asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.h"
#include "task/task.h"

namespace remit::notify {

struct Notice {
  std::uint64_t index = 0;  // in the ledger
  std::string type;
  std::string time;   // RFC 3339
  json::Value event;  // its body
  std::optional<task::TaskRecord> task;
  std::string approval;  // apv_…; where the event is a wait for approval, or its answer
  std::string link;      // to the request, or to the task; "" where the event is about neither

  bool IsWait() const;  // somebody is asked for a yes
};

// `base` is the server's public URL. Links are to pages that say what to type to see it and to answer.
Notice MakeNotice(std::uint64_t index, json::Value event, std::optional<task::TaskRecord> task, std::string_view base);

// The text, cut at the border of a character, with `…` where something is missing.
std::string Cut(std::string text, std::size_t bytes);

// As many of these, from the first on, as fit into so many bytes of JSON, and how many are left out.
std::pair<json::Array, std::size_t> FirstNames(const json::Array& names, std::size_t bytes);

// One line: "deploy waits for approval", "deploy has ended: revoked".
std::string Headline(const Notice& notice);

// What people should know, as name and value, in order; each value in one line, escaped and cut. Who was not asked is never cut: there are as many
// lines of them as it takes, up to what receivers take, and behind that the number of those who are left out.
std::vector<std::pair<std::string, std::string>> Details(const Notice& notice);

}  // namespace remit::notify
