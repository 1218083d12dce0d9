// Work for Remit itself: tasks that are started, asked about and completed.
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "work.h"

namespace remit::bench {
namespace {

class TaskWork final : public Work {
 public:
  TaskWork(const Options& options, std::size_t number) : options_(options), number_(number) {}

  std::size_t Steps() const override { return options_.work == "life" ? 5 : options_.work == "query" ? 2 : 1; }

  bool Prepares() const override { return options_.work == "decide"; }

  Request Ask(std::size_t step) override {
    if (options_.work == "decide") {
      if (token_.empty()) return Start();  // the first unit is the task that the decisions are about
      return Evaluate(item_);
    }
    if (step == 0) return Start();
    if (options_.work == "query") return Complete();
    if (step == 3) return Complete();
    return Evaluate(step == 2 ? "another" : item_);
  }

  void Check(std::size_t step, const Response& response) override {
    auto unexpected = [&] { Die(fmt::format("step {} of `{}`: {} {}", step, options_.work, response.status, response.body)); };
    if (std::exchange(starting_, false)) {
      if (response.status != 201) unexpected();
      token_ = Member(response.body, "token");
      holder_ = Member(response.body, "holder");
      std::size_t id = response.body.find("tsk_");
      if (id == std::string_view::npos) unexpected();
      task_ = response.body.substr(id, response.body.find('"', id) - id);
      if (options_.work == "query" && response.body.find("PGPASSWORD") == std::string_view::npos) unexpected();
      return;
    }
    if (response.status != 200) unexpected();
    if (options_.work == "query") {
      if (response.body.find("\"all_dead\":true") == std::string_view::npos) unexpected();
      return;
    }
    if (options_.work == "life" && step == 3) return;
    bool allowed = response.body.find("\"decision\":true") != std::string_view::npos;
    if (allowed != (options_.work == "decide" || step == 1)) unexpected();
  }

 private:
  Request Start() {
    if (options_.work == "query") {
      body_ = fmt::format(R"({{"type":"query","parameters":{{"table":"{}"}}}})", options_.table);
    } else {
      item_ = fmt::format("item-{}-{}-{}", getpid(), number_, ++round_);
      body_ = fmt::format(R"({{"type":"work","parameters":{{"item":"{}"}}}})", item_);
    }
    starting_ = true;
    return {"POST", "/v1/tasks", options_.session, "application/json", body_};
  }

  Request Complete() {
    path_ = fmt::format("/v1/tasks/{}/complete", task_);
    return {"POST", path_, holder_, "application/json", "{}"};
  }

  Request Evaluate(std::string_view item) {
    body_ = fmt::format(R"({{"subject":{{"type":"remit_token","id":"{}"}},"action":{{"name":"read"}},"resource":{{"type":"Item","id":"{}"}}}})",
                        token_, item);
    return {"POST", "/access/v1/evaluation", options_.gateway, "application/json", body_};
  }

  const Options& options_;
  const std::size_t number_;
  std::size_t round_ = 0;
  bool starting_ = false;
  std::string item_, token_, holder_, task_, body_, path_;
};

}  // namespace

std::unique_ptr<Work> MakeTaskWork(const Options& options, std::size_t number) {
  if (options.work != "life" && options.work != "start" && options.work != "decide" && options.work != "query") return nullptr;
  return std::make_unique<TaskWork>(options, number);
}

}  // namespace remit::bench
