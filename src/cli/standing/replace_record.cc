#include "cli/standing/replace_record.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

namespace remit::cli {
namespace {

constexpr std::size_t kWhyBytes = 1024;  // as much as the server takes

}  // namespace

Result<ReplaceRecord> ReplaceRecord::Begin(std::string_view step, const posture::PlanFile& file, bool without_server) {
  ReplaceRecord record;
  if (without_server || !HasServer()) {
    PrintMessage(fmt::format("{}, so nobody is asked, and nothing but {} writes this down",
                             without_server ? "Remit's server is left out" : "no Remit server is configured", EscapeControl(file.path)));
    return record;
  }
  record.about_ = json::Object{{"step", step},
                               {"account", file.plan.account.name},
                               {"account_oid", file.plan.account.oid},
                               {"system", file.plan.system},
                               {"plan", posture::PlanHash(file.plan)}};
  REMIT_ASSIGN(record.remote_, Remote::Open(As::kAdmin));
  json::Object begun = record.about_;
  begun.Set("phase", "begun");
  const Result<json::Value> asked = record.remote_->Post("/v1/replacements", begun);
  if (asked) return record;
  Error error = asked.error();
  if (error.reason == "cannot-connect")
    error.hint = "start it; or leave it out with --without-server: then nobody is asked, and nothing is written down";
  return Fail(std::move(error).Within("nothing was done"));
}

void ReplaceRecord::Done(json::Object result) { Tell("done", std::move(result)); }

void ReplaceRecord::Failed(const Error& error) {
  std::string why = fmt::format("{}: {}", error.reason, error.message);
  if (why.size() > kWhyBytes) why = error.reason;
  Tell("failed", json::Object{{"why", std::move(why)}});
}

void ReplaceRecord::Tell(std::string_view phase, json::Object result) {
  if (!remote_) return;
  json::Object body = about_;
  body.Set("phase", phase);
  body.Set("result", std::move(result));
  if (const Result<json::Value> told = remote_->Post("/v1/replacements", body); !told)
    PrintMessage(fmt::format("what came of this is not in the ledger, only that it began: {}", told.error().message));
}

}  // namespace remit::cli
