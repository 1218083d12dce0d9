// /v1/replacements: who takes standing access away, or gives it back, at a server that Remit does not see asks before and tells after. What is told
// is that caller's word; it goes into the ledger under their name.
#include <algorithm>

#include "api/codec.h"
#include "api/rest.h"
#include "api/routes.h"
#include "base/text.h"
#include "json/object_reader.h"

namespace remit::api {
namespace {

using http::Respond;
using Replacement = broker::Replacement;

constexpr std::size_t kNameBytes = 256;  // of a role; PostgreSQL's own limit is 63, unless it was built with another
constexpr std::size_t kHashDigits = 64;  // SHA-256 in hex
constexpr std::size_t kShown = 20;       // lines that say what went or what was lost; the plan's hash stands for all of them
constexpr std::size_t kLineBytes = 1024;

bool IsOf(std::string_view text, std::string_view letters, std::size_t most) {
  return !text.empty() && text.size() <= most && text.find_first_not_of(letters) == std::string_view::npos;
}

bool IsHash(std::string_view text) { return text.size() == kHashDigits && IsOf(text, "0123456789abcdef", kHashDigits); }

template <class Value>
void ReadOne(json::ObjectReader& r, std::string_view name, const std::vector<std::string_view>& names, Value& into) {
  const std::string given = r.RequiredString(name);
  const auto found = std::ranges::find(names, given);
  if (found == names.end()) return r.Refuse(name, "is none of " + Join({names.begin(), names.end()}, ", "));
  into = static_cast<Value>(found - names.begin());
}

void ReadLines(json::ObjectReader& r, const char* name, json::Object& into) {
  const auto lines = r.OptionalStrings(name);
  if (!lines) return;
  if (lines->size() > kShown || std::ranges::any_of(*lines, [](const std::string& line) { return line.size() > kLineBytes; }))
    return r.Refuse(name, "is too long");
  into.Set(name, json::StringArray(*lines));
}

Result<json::Object> ReadResult(const json::Value& value) {
  json::ObjectReader r(value, "body.result");
  json::Object result;
  for (const char* name : {"removed", "cascades", "sessions_ended", "refused", "undecided", "unproven", "restored"}) {
    const auto count = r.OptionalInt(name);
    if (count && *count < 0) r.Refuse(name, "is a count");
    if (count) result.Set(name, *count);
  }
  ReadLines(r, "gone", result);
  ReadLines(r, "lost", result);
  if (const auto evidence = r.OptionalString("evidence")) {
    if (!IsHash(*evidence)) r.Refuse("evidence", "is no SHA-256 in hex");
    result.Set("evidence", *evidence);
  }
  if (const auto why = r.OptionalString("why")) {
    if (why->size() > kLineBytes) r.Refuse("why", "is too long");
    result.Set("why", *why);
  }
  REMIT_TRY(r.Finish());
  return result;
}

Result<Replacement> ReadReplacement(const json::Value& body) {
  json::ObjectReader r(body, "body");
  Replacement replacement;
  ReadOne(r, "step", {"apply", "rollback"}, replacement.step);
  ReadOne(r, "phase", {"begun", "done", "failed"}, replacement.phase);
  replacement.account = r.RequiredString("account");
  replacement.account_oid = r.RequiredString("account_oid");
  replacement.system = r.RequiredString("system");
  replacement.plan = r.RequiredString("plan");
  const json::Value* result = r.OptionalValue("result");
  if (replacement.account.empty() || replacement.account.size() > kNameBytes) r.Refuse("account", "is not the name of a role");
  if (!IsOf(replacement.account_oid, "0123456789", 10)) r.Refuse("account_oid", "is not a number");
  if (!IsOf(replacement.system, "0123456789", 20)) r.Refuse("system", "is not a number");
  if (!IsHash(replacement.plan)) r.Refuse("plan", "is no SHA-256 in hex");
  if ((result != nullptr) == (replacement.phase == Replacement::Phase::kBegun)) r.Refuse("result", "belongs to what is over, and only to that");
  REMIT_TRY(r.Finish());
  if (result != nullptr) {
    REMIT_ASSIGN(replacement.result, ReadResult(*result));
  }
  return replacement;
}

void Record(const Call& call, Respond respond) {
  REMIT_API_ASSIGN(const json::Value body, BodyOf(call.request));
  REMIT_API_ASSIGN(const Replacement replacement, ReadReplacement(body));
  call.services.broker.RecordReplacement(call.caller, replacement, AnsweringJson(std::move(respond), 201));
}

}  // namespace

void AddReplaceRoutes(http::Router& router, Services& services) { AddCall(router, services, "POST", "/v1/replacements", Record); }

}  // namespace remit::api
