// Facts change: by whom the catalog in force permits it for the types that are spoken of (administer.cc), perhaps after people said yes
// (change_requests.cc), in one commit with its event.
#include <fmt/format.h>

#include "base/text.h"
#include "broker/core.h"
#include "json/write.h"

namespace remit::broker {
namespace {

// The uid of an entity document: {"uid": {"type", "id"}} or {"uid": {"__entity": {…}}}.
Result<cedar::EntityUid> UidOf(const json::Value& document) {
  const json::Value* uid = document.Find("uid");
  if (uid != nullptr && uid->Find("__entity") != nullptr) uid = uid->Find("__entity");
  const std::string* type = uid == nullptr ? nullptr : uid->FindString("type");
  const std::string* id = uid == nullptr ? nullptr : uid->FindString("id");
  if (type == nullptr || id == nullptr)
    return Fail(Code::kInvalidArgument, "bad-entities", "an entity has a `uid` with `type` and `id`",
                R"(write {"uid": {"type": "Team", "id": "support"}, "attrs": {}, "parents": []})");
  if (!IsVisible(*id))
    return Fail(Code::kInvalidArgument, "bad-entity-id", fmt::format("`{}` has characters that cannot be seen", EscapeControl(*id)));
  return cedar::EntityUid{*type, *id};
}

// The facts as they would be, and every type that is spoken of: also who changes nothing learns whether it is so.
struct Spoken {
  std::map<std::string, json::Value> documents;  // by uid
  std::set<std::string> types;
};

Result<Spoken> Read(const FactSet& before, const json::Value& entities, bool replace) {
  if (!entities.IsArray())
    return Fail(Code::kInvalidArgument, "bad-entities", "facts are an array of entities",
                R"(write [{"uid": {"type": "Team", "id": "support"}, "attrs": {}, "parents": []}])");
  Spoken spoken;
  if (!replace) spoken.documents = before.documents;
  std::set<std::string> given;
  for (const json::Value& entity : entities.AsArray()) {
    REMIT_ASSIGN(const cedar::EntityUid uid, UidOf(entity));
    if (!given.insert(uid.ToString()).second)
      return Fail(Code::kInvalidArgument, "duplicate-entity", fmt::format("{} is given twice", uid.ToString()));
    spoken.types.insert(uid.type);
    spoken.documents[uid.ToString()] = entity;
  }
  for (const auto& [uid, document] : before.documents)
    if (!spoken.documents.contains(uid))
      if (const auto gone = UidOf(document)) spoken.types.insert(gone->type);
  return spoken;
}

// What an entity may be is declared; where is to be said.
Error AsDeclared(Error error) {
  if (error.hint.empty()) error.hint = "`remit catalog schema` has the types that are declared, with their attributes and parents";
  return error;
}

// The rows of what is another, and of what is gone.
void PutDifference(const FactSet& before, const FactSet& next, store::Batch& batch) {
  for (const auto& [uid, document] : next.documents) {
    const auto known = before.documents.find(uid);
    if (known == before.documents.end() || !(known->second == document))
      batch.writes.push_back({store::Table::kFact, uid, json::Canonical(document)});
  }
  for (const auto& [uid, document] : before.documents)
    if (!next.documents.contains(uid)) batch.writes.push_back({store::Table::kFact, uid, std::nullopt});
}

}  // namespace

void Broker::PutFacts(const Caller& by, const json::Value& entities, bool replace, Answer<FactsAnswer> answer, FactsOrigin origin) {
  Core& core = *core_;
  core.Locked([&] {
    core.set_up.OneAtATime([&core, by, entities, replace, answer, origin = std::move(origin)] {
      return core.fact_changes.Change({by, "facts.put", {}, AdminEffect::kGives, nullptr}, entities, replace, origin, answer);
    });
  });
}

json::Value FactChanges::Content(const json::Value& entities, bool replace, const FactsOrigin& origin) {
  json::Object content{{"entities", entities}, {"replace", replace}};
  if (!origin.expected.empty()) content.Set("expected", origin.expected);
  if (!origin.source.IsNull()) content.Set("source", origin.source);
  return content;
}

bool FactChanges::Make(AdminCall call, const json::Value& content, Answer<FactsAnswer> answer) {
  FactsOrigin origin;
  if (const std::string* expected = content.FindString("expected")) origin.expected = *expected;
  if (const json::Value* source = content.Find("source")) origin.source = *source;
  return Change(std::move(call), *content.Find("entities"), content.Find("replace")->AsBool(), origin, std::move(answer));
}

bool FactChanges::Change(AdminCall call, const json::Value& entities, bool replace, const FactsOrigin& origin, Answer<FactsAnswer> answer) {
  auto refuse = [&](Error error) {
    core_.Refuse(answer, std::move(error));
    return false;
  };
  if (!core_.current)
    return refuse(Error(Code::kFailedPrecondition, "no-catalog", "facts are checked against a catalog, and none is loaded")
                      .Hint("load one with `remit catalog load FOLDER`"));
  Result<Spoken> spoken = Read(*core_.facts, entities, replace);
  if (!spoken) return refuse(std::move(spoken.error()));
  call.on.assign(spoken->types.begin(), spoken->types.end());
  Result<std::uint32_t> needed = core_.administration.Authorise(call);
  if (!needed) return refuse(std::move(needed.error()));
  if (!origin.expected.empty() && origin.expected != core_.facts->hash)
    return refuse(Error(Code::kConflict, "facts-changed", "others are in force than those that this was to take the place of")
                      .Hint("look at the difference again: `remit facts sync SOURCE --dry-run`"));
  Result<std::shared_ptr<const FactSet>> next = BuildFacts(std::move(spoken->documents), core_.current->schema());
  if (!next) return refuse(AsDeclared(std::move(next.error())));
  if (Status keeps = core_.administration.KeepsAnAdministrator(*core_.current, **next, nullptr); !keeps) return refuse(std::move(keeps.error()));
  if (origin.dry_run) {
    core_.Later([answer, next = *next, needed = *needed] { answer(FactsAnswer{next->hash, next->documents.size(), {}, needed}); });
    return false;
  }
  if (*needed > 0) {
    json::Value content = Content(entities, replace, origin);
    // Who looks at a source again and again asks once.
    const ChangeRequest* same = origin.source.IsNull() ? nullptr : core_.change_requests.FindSame(call, content);
    if (same != nullptr) {
      core_.Later([answer, id = same->id] { answer(FactsAnswer{.hash = {}, .entities = 0, .approval = id, .approvals_needed = {}}); });
      return false;
    }
    core_.change_requests.Ask(call, *needed, content, content, {}, [answer](Result<std::string> asked) {
      if (!asked) return answer(std::unexpected(std::move(asked.error())));
      answer(FactsAnswer{.hash = {}, .entities = 0, .approval = *asked, .approvals_needed = {}});
    });
    return false;
  }
  store::Batch batch;
  PutDifference(*core_.facts, **next, batch);
  json::Object event = core_.Event("facts.changed", core_.Stamp());
  event.Set("facts", (*next)->hash);
  event.Set("entities", (*next)->documents.size());
  event.Set("by", call.by.uid.ToString());
  if (!origin.source.IsNull()) event.Set("source", origin.source);
  core_.change_requests.Settle(call, batch);
  core_.AddEvents(batch, {std::move(event)});
  core_.administration.Expect(core_.current, *next);
  core_.Commit(std::move(batch), [this, call, answer, next = *next](const auto& committed) {
    core_.administration.Expect(nullptr, nullptr);
    if (committed) {
      core_.facts = next;
      for (auto& [id, live] : core_.tasks) live->entity.reset();
      core_.catalog_change.EndTooWide(*core_.current, *next);
      core_.Later([answer, next] { answer(FactsAnswer{next->hash, next->documents.size(), {}, {}}); });
    } else {
      core_.change_requests.Unsettle(call);
      core_.Refuse(answer, committed.error());
    }
    core_.set_up.ChangeDone();
  });
  return true;
}

json::Value Broker::Facts() const {
  return core_->Locked([&]() -> json::Value {
    json::Array entities;
    for (const auto& [uid, document] : core_->facts->documents) entities.push_back(document);
    return json::Object{{"hash", core_->facts->hash}, {"entities", std::move(entities)}};
  });
}

}  // namespace remit::broker
