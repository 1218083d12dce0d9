// See budget.h.
#include "task/budget.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::task {
namespace {

using Kind = Budget::Kind;
using Parsed = std::expected<std::vector<Budget>, std::string>;

std::unexpected<std::string> Wrong(std::string why) { return std::unexpected(std::move(why)); }

// Words, with `,` as a word of its own.
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  bool open = false;
  for (const char c : text) {
    if (c == ' ' || c == ',') {
      if (c == ',') words.emplace_back(",");
      open = false;
    } else {
      if (!open) words.emplace_back();
      open = true;
      words.back() += c;
    }
  }
  return words;
}

std::expected<Budget, std::string> ParseOne(Kind kind, std::string_view text) {
  const std::vector<std::string> words = Words(text);
  std::size_t at = 0;
  Budget budget;
  budget.kind = kind;
  auto next = [&](std::string_view word) { return at < words.size() && words[at] == word && ++at > 0; };
  if (words.empty()) return Wrong("says no number");
  const std::string& number = words[at++];
  const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), budget.count);
  if (error != std::errc() || stop != number.data() + number.size() || budget.count == 0 || number[0] == '0')
    return Wrong(fmt::format("needs a whole number from 1 on, not `{}`", EscapeControl(number)));
  if (kind == Kind::kStarts) {
    if (!next("per") || at == words.size()) return Wrong("does not say in which time");
    const auto window = ParseDuration(words[at]);
    if (!window || *window <= Duration(0)) return Wrong(fmt::format("needs a duration after `per`, not `{}`", EscapeControl(words[at])));
    budget.window = *window;
    ++at;
  }
  if (next("by")) {
    do {
      if (at == words.size() || words[at] == ",") return Wrong("names no parameter after `by`");
      budget.by.push_back(words[at++]);
    } while (next(","));
  }
  if (at < words.size()) return Wrong(fmt::format("is not understood from `{}` on", EscapeControl(words[at])));
  std::ranges::sort(budget.by);
  if (std::ranges::adjacent_find(budget.by) != budget.by.end()) return Wrong("names a parameter twice");
  return budget;
}

// Every value in its canonical form, so that no other spelling of it is another bucket.
std::string BucketOf(const CountedStart& start, const std::vector<std::string>& by) {
  json::Array values;
  for (const std::string& name : by) {
    const json::Value* value = start.bound.Find(name);
    values.push_back(value == nullptr ? json::Value(json::Array{}) : json::Value(json::Array{*value}));
  }
  return json::Canonical(json::Array{start.type, start.actor, json::StringArray(by), std::move(values)});
}

}  // namespace

std::string Budget::Text() const {
  std::string text = std::to_string(count);
  if (kind == Kind::kStarts) text += " per " + FormatDuration(window);
  if (!by.empty()) text += fmt::format(" by {}", fmt::join(by, ", "));
  return text;
}

Parsed ParseBudgets(Kind kind, std::string_view text) {
  std::vector<Budget> budgets;
  for (const std::string& one : Split(text, ';')) {
    auto budget = ParseOne(kind, one);
    if (!budget) return std::unexpected(std::move(budget.error()));
    budgets.push_back(*std::move(budget));
  }
  return budgets;
}

// --- rows ------------------------------------------------------------------------------------------------------------------------------

std::string StartRowPrefix(std::string_view type, std::string_view actor) {
  std::string key(kStartRows);
  (key += type) += '\0';
  (key += actor) += '\0';
  return key;
}

std::string StartRowKey(const CountedStart& start) { return StartRowPrefix(start.type, start.actor) + start.task; }

std::string GuardRowKey(std::string_view bucket) { return "guard/" + HexEncode(crypto::Sha256(bucket)); }

std::string CountedStart::ToRow() const { return json::Canonical(json::Object{{"at", Micros(at)}, {"until", Micros(until)}, {"parameters", bound}}); }

Result<CountedStart> CountedStart::FromRow(std::string_view key, std::string_view row) {
  CountedStart start;
  const std::vector<std::string> parts = Split(key.substr(std::min(key.size(), kStartRows.size())), '\0');
  if (!key.starts_with(kStartRows) || parts.size() != 3) return Fail(Code::kCorrupt, "store-corrupt", "a budget's row has no key of its form");
  start.type = parts[0], start.actor = parts[1], start.task = parts[2];
  REMIT_ASSIGN(const json::Value document, json::Parse(row));
  json::ObjectReader r(document, "budget row");
  start.at = FromMicros(r.RequiredInt("at"));
  start.until = FromMicros(r.RequiredInt("until"));
  start.bound = r.RequiredValue("parameters");
  REMIT_TRY(r.Finish());
  start.running = false;
  return start;
}

// --- the book --------------------------------------------------------------------------------------------------------------------------

void StartBook::SetBudgets(std::map<std::string, std::vector<Budget>, std::less<>> budgets) {
  budgets_ = std::move(budgets);
  buckets_.clear();
  for (const auto& [task, start] : starts_) Index(start);
}

const std::vector<Budget>* StartBook::BudgetsOf(std::string_view type) const {
  const auto found = budgets_.find(type);
  return found == budgets_.end() || found->second.empty() ? nullptr : &found->second;
}

Duration StartBook::LongestWindow(std::string_view type) const {
  Duration longest{};
  if (const std::vector<Budget>* budgets = BudgetsOf(type))
    for (const Budget& budget : *budgets) longest = std::max(longest, budget.window);
  return longest;
}

std::vector<std::string> StartBook::BucketsOf(const CountedStart& start) const {
  std::vector<std::string> buckets;
  if (const std::vector<Budget>* budgets = BudgetsOf(start.type))
    for (const Budget& budget : *budgets) buckets.push_back(BucketOf(start, budget.by));
  std::ranges::sort(buckets);
  buckets.erase(std::ranges::unique(buckets).begin(), buckets.end());
  return buckets;
}

// When each of those that count in this budget, besides the start itself, does not count any more.
StartBook::Counted StartBook::Counting(const CountedStart& start, const Budget& budget, const Running& running) const {
  Counted until;
  const auto bucket = buckets_.find(BucketOf(start, budget.by));
  if (bucket == buckets_.end()) return until;
  for (const std::string& task : bucket->second) {
    const CountedStart& counted = starts_.at(task);
    if (task == start.task) continue;
    if (budget.kind == Kind::kStarts) {
      // Also what lies ahead of `at` counts: a clock that was set back gives nothing back.
      if (counted.at + budget.window > start.at) until.emplace_back(counted.at + budget.window, task);
    } else if (const auto deadline = running(task); deadline || counted.running) {
      until.emplace_back(deadline.value_or(Time::max()), task);
    }
  }
  return until;
}

std::vector<StartBook::Full> StartBook::FindFull(const CountedStart& start, const Running& running, bool active_too) const {
  std::vector<Full> all;
  const std::vector<Budget>* budgets = BudgetsOf(start.type);
  if (budgets == nullptr) return all;
  for (const Budget& budget : *budgets) {
    if (budget.kind == Kind::kActive && !active_too) continue;
    Counted until = Counting(start, budget, running);
    if (until.size() < budget.count) continue;
    std::ranges::sort(until);
    const Time frees = until[until.size() - budget.count].first;
    Full full{budget, frees == Time::max() ? std::nullopt : std::optional(frees), {}};
    if (budget.kind == Kind::kActive)
      for (auto& [end, task] : until) full.holders.push_back(std::move(task));
    all.push_back(std::move(full));
  }
  return all;
}

std::uint32_t StartBook::Left(const CountedStart& start, const Budget& budget, const Running& running) const {
  const std::size_t counted = Counting(start, budget, running).size();
  return counted >= budget.count ? 0 : budget.count - static_cast<std::uint32_t>(counted);
}

void StartBook::Index(const CountedStart& start) {
  for (const std::string& bucket : BucketsOf(start)) buckets_[bucket].push_back(start.task);
}

void StartBook::Unindex(const CountedStart& start) {
  for (const std::string& bucket : BucketsOf(start)) {
    const auto found = buckets_.find(bucket);
    if (found == buckets_.end()) continue;
    std::erase(found->second, start.task);
    if (found->second.empty()) buckets_.erase(found);
  }
}

void StartBook::Add(CountedStart start) {
  Remove(start.task);
  Index(start);
  std::string task = start.task;
  starts_.emplace(std::move(task), std::move(start));
}

void StartBook::Remove(const std::string& task) {
  const auto found = starts_.find(task);
  if (found == starts_.end()) return;
  Unindex(found->second);
  starts_.erase(found);
}

CountedStart* StartBook::Find(const std::string& task) {
  const auto found = starts_.find(task);
  return found == starts_.end() ? nullptr : &found->second;
}

std::vector<CountedStart> StartBook::Over(Time now, const Running& running, std::size_t limit) const {
  std::vector<CountedStart> over;
  for (const auto& [task, start] : starts_) {
    if (over.size() >= limit) break;
    if (start.running || now < start.until || now < start.at + LongestWindow(start.type) || running(task)) continue;
    over.push_back(start);
  }
  return over;
}

}  // namespace remit::task
