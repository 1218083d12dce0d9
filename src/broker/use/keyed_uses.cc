#include "broker/use/keyed_uses.h"

#include "broker/core.h"
#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {
namespace {

json::Value AnswerJson(const UseAnswer& answer) {
  return json::Object{{"allowed", answer.allowed},
                      {"reason", answer.reason},
                      {"policies", json::StringArray(answer.policies)},
                      {"catalog", answer.catalog},
                      {"facts", answer.facts}};
}

Result<UseAnswer> AnswerFromJson(std::string_view text) {
  REMIT_ASSIGN(json::Value document, json::Parse(text));
  UseAnswer answer;
  json::ObjectReader r(document, "idempotency row");
  answer.allowed = r.RequiredBool("allowed");
  answer.reason = r.RequiredString("reason");
  answer.policies = r.RequiredStrings("policies");
  answer.catalog = r.RequiredString("catalog");
  answer.facts = r.RequiredString("facts");
  REMIT_TRY(r.Finish());
  return answer;
}

// What a use asked for, so that a key that comes back with another question is noticed.
std::string QuestionHash(const UseRequest& request) {
  json::Value question = json::Object{{"task", request.task},
                                      {"token", request.token.empty() ? std::string() : HexEncode(identity::HandleHash(request.token))},
                                      {"action", request.action.ToString()},
                                      {"resource", request.resource.ToString()},
                                      {"attributes", request.resource_attributes},
                                      {"context", request.context}};
  return HexEncode(crypto::Sha256(json::Canonical(question)));
}

Result<UseAnswer> KeyReused() { return Fail(Code::kConflict, "idempotency-key-reused", "this idempotency key was used for another question"); }

}  // namespace

void KeyedUses::Evaluate(const Caller& by, UseRequest request, Answer<UseAnswer> answer) {
  const std::string key = "use/" + by.uid.ToString() + "/" + request.idempotency_key, question = QuestionHash(request);
  if (!IsFirst(key, question, answer)) return;
  auto tell = [this, key, answer](const Result<UseAnswer>& result) { Tell(key, result, answer); };
  Result<std::optional<std::string>> before = core_.parts.store.Get(store::Table::kIdempotency, key);
  if (!before) return tell(std::unexpected(before.error()));
  if (*before) return tell(Given(request, question, **before));
  core_.Locked([&] { core_.uses.Evaluate(by, request, key, tell); });
}

// Else it waits for what the first one gets.
bool KeyedUses::IsFirst(const std::string& key, const std::string& question, const Answer<UseAnswer>& answer) {
  return core_.Locked([&] {
    auto [asked, is_new] = asked_.try_emplace(key, Asked{question, {}});
    if (!is_new) asked->second.others.emplace_back(question, answer);
    return is_new;
  });
}

void KeyedUses::Tell(const std::string& key, const Result<UseAnswer>& result, const Answer<UseAnswer>& first) {
  Asked asked = core_.Locked([&] { return std::move(asked_.extract(key).mapped()); });
  first(result);
  for (auto& [question, answer] : asked.others) answer(question == asked.question ? result : KeyReused());
}

// What was answered before, out of its row: when, the question's hash, the answer.
Result<UseAnswer> KeyedUses::Given(const UseRequest& request, const std::string& question, std::string_view row) {
  row = row.substr(kIdempotencyTimeBytes);
  if (row.substr(0, question.size()) != question) return KeyReused();
  Result<UseAnswer> given = AnswerFromJson(row.substr(question.size()));
  // INVARIANT: nothing after the task. What was allowed is not allowed again once its task is over, also not to who asks twice.
  bool usable = core_.Locked([&] {
    LiveTask* live = core_.uses.TaskOf(request);
    return live != nullptr && core_.trees.Usable(*live);
  });
  return given && given->allowed && !usable ? DenyFor("ended") : given;
}

void KeyedUses::Keep(const std::string& key, const UseRequest& request, const UseAnswer& answer, store::Batch& batch) {
  batch.expects.push_back({store::Table::kIdempotency, key, std::nullopt});
  batch.writes.push_back(
      {store::Table::kIdempotency, key, IdempotencyRow(core_.Stamp(), QuestionHash(request) + json::Canonical(AnswerJson(answer)))});
}

}  // namespace remit::broker
