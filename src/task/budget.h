// Budgets: how often tasks of a type may be started, and how many of them may run at once. Counted for each actor and for the values of
// the parameters that the budget names, from starts that are written down: so that neither starting again nor restarting the server gives
// more. Pure: `now` comes in.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "json/value.h"

namespace remit::task {

struct Budget {
  enum class Kind { kStarts, kActive } kind = Kind::kStarts;
  std::uint32_t count = 1;
  Duration window{};            // kStarts: in any span of this length
  std::vector<std::string> by;  // names of parameters, sorted; the actor always counts

  std::string Text() const;  // as it is written: "1 per 24h by ticket"
  bool operator==(const Budget&) const = default;
};

// `@max_starts("1 per 24h by ticket")`, `@max_active("1 by ticket")`; several with `;` between them. The error is what is wrong with the text.
std::expected<std::vector<Budget>, std::string> ParseBudgets(Budget::Kind kind, std::string_view text);

// One start, as it is counted.
struct CountedStart {
  std::string task;     // tsk_…
  std::string type;     // entity type
  std::string actor;    // uid
  json::Value bound;    // the task's parameters
  Time at{};            // when it became active
  Time until{};         // until then it must not be forgotten, whatever catalog is in force
  bool running = true;  // on its way into the store, and so not to be found among the tasks yet

  std::string ToRow() const;  // what the key does not say
  static Result<CountedStart> FromRow(std::string_view key, std::string_view row);
};

// The starts that count. Not thread-safe.
class StartBook {
 public:
  // The deadline of a task that runs; none where it does not.
  using Running = std::function<std::optional<Time>(const std::string& task)>;

  // The budgets of the types that have any, by entity type. What was counted is counted under them.
  void SetBudgets(std::map<std::string, std::vector<Budget>, std::less<>> budgets);
  const std::vector<Budget>* BudgetsOf(std::string_view type) const;  // null: it has none

  // A budget that a start at `at` does not fit into, and when it does.
  struct Full {
    Budget budget;
    std::optional<Time> frees;         // kStarts: then; kActive: then at the latest
    std::vector<std::string> holders;  // kActive: the tasks that run, the first that ends by itself in front
  };
  // All of them, in the order of the catalog: it fits when it fits into each. `active_too`: also how many may run at once; not asked of a start
  // that lies ahead.
  std::vector<Full> FindFull(const CountedStart& start, const Running& running, bool active_too) const;

  // How many more starts like this one fit into one of its type's budgets, at its time.
  std::uint32_t Left(const CountedStart& start, const Budget& budget, const Running& running) const;

  void Add(CountedStart start);  // one that is there already is replaced
  void Remove(const std::string& task);
  CountedStart* Find(const std::string& task);
  std::size_t size() const { return starts_.size(); }
  std::size_t buckets() const { return buckets_.size(); }

  // The buckets that a start counts in: one for each set of parameters that its type's budgets name.
  std::vector<std::string> BucketsOf(const CountedStart& start) const;
  bool IsEmpty(const std::string& bucket) const { return !buckets_.contains(bucket); }

  // Up to `limit` starts that no budget counts any more.
  std::vector<CountedStart> Over(Time now, const Running& running, std::size_t limit) const;
  // How long a start of this type counts: the longest window.
  Duration LongestWindow(std::string_view type) const;

 private:
  using Counted = std::vector<std::pair<Time, std::string>>;  // until when, and which task
  Counted Counting(const CountedStart& start, const Budget& budget, const Running& running) const;
  void Index(const CountedStart& start);
  void Unindex(const CountedStart& start);

  std::map<std::string, std::vector<Budget>, std::less<>> budgets_;
  std::map<std::string, CountedStart> starts_;                         // by task
  std::unordered_map<std::string, std::vector<std::string>> buckets_;  // tasks
};

// Keys of the store's budget table: of a start, of all of an actor's of one type, and of a bucket's guard, which says who was counted last.
std::string StartRowPrefix(std::string_view type, std::string_view actor);
std::string StartRowKey(const CountedStart& start);
std::string GuardRowKey(std::string_view bucket);
inline constexpr std::string_view kStartRows = "start/";

}  // namespace remit::task
