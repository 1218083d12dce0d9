// GET /v1/doctor: the server looks at itself, at its disk and at its targets.
#include "api/doctor.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "api/rest.h"
#include "api/routes.h"
#include "base/count.h"
#include "base/text.h"
#include "cedar/value.h"
#include "ledger/hash.h"
#include "ledger/proof.h"

namespace remit::api {
namespace {

constexpr Duration kEndingTooLong = std::chrono::minutes(5);  // by then the retries are 30 s apart: this is no hiccup
constexpr std::uint64_t kLastEvents = 1000;                   // of the ledger, recomputed
constexpr std::size_t kNamed = 5;                             // of many alike, in one finding

std::string Text(const json::Value& value, std::string_view name) {
  const std::string* text = value.FindString(name);
  return text == nullptr ? "" : EscapeControl(*text);
}

std::int64_t Number(const json::Value& value, std::string_view name) {
  const json::Value* number = value.Find(name);
  return number != nullptr && number->IsInt() ? number->AsInt() : 0;
}

// What is being gathered. Everything runs on a worker, one step after another; the last step answers.
struct Examination {
  Services& services;
  http::Respond respond;
  std::vector<Finding> findings;
  std::vector<json::Value> targets;
  std::size_t next_target = 0;

  void Add(std::string check, Health health, std::string what, std::string hint = "") {
    findings.push_back({std::move(check), health, std::move(what), std::move(hint)});
  }
  void Add(std::vector<Finding> more) {
    for (Finding& one : more) findings.push_back(std::move(one));
  }
};
using Shared = std::shared_ptr<Examination>;

void LookAtServer(Examination& e) {
  const json::Value health = e.services.broker.Health();
  const json::Value* doubts = health.Find("doubts");
  for (const json::Value& doubt : doubts->AsArray()) {
    const std::string& what = doubt.AsString();
    const bool clock = what.find("clock") != std::string::npos;
    e.Add(clock ? "clock" : "server", Health::kError, what,
          clock                                       ? "set the clock, or `remit serve --accept-clock`"
          : what.find("catalog") != std::string::npos ? "remit catalog load FOLDER"
                                                      : "see the server's log");
  }
  const broker::Counters counters = e.services.broker.counters();
  if (doubts->AsArray().empty())
    e.Add("server", Health::kOk, fmt::format("ready at {}; {} live", e.services.issuer, Counted(counters.live_tasks, "task")));
  if (counters.commit_failures > 0)
    e.Add("store", Health::kWarning, fmt::format("{} failed since it started", Counted(counters.commit_failures, "commit has", "commits have")),
          "see the server's log");
}

void LookAtCatalog(Examination& e) {
  const auto catalog = e.services.broker.catalog();
  if (catalog == nullptr) return;  // LookAtServer has said so
  const task::Catalog::Loaded again = task::Catalog::ReadBack(catalog->files());
  for (const cedar::Diagnostic& warning : again.warnings) {
    const Error error = warning.ToError();
    e.Add("catalog", Health::kWarning, error.ToString(), error.hint);
  }
  if (again.warnings.empty()) e.Add("catalog", Health::kOk, fmt::format("{}, no warnings", Counted(catalog->task_types().size(), "task type")));
}

bool IsBarred(const json::Value& somebody) {
  const json::Value* barred = somebody.Find("barred");
  return barred != nullptr && barred->IsBool() && barred->AsBool();
}

// Who could have approved a start by break-glass is to hear of it.
void LookAtBreakGlass(Examination& e) {
  const auto catalog = e.services.broker.catalog();
  if (catalog == nullptr || e.services.is_told("task.break-glass")) return;
  for (const auto& [name, type] : catalog->task_types())
    if (type.break_glass)
      return e.Add("break-glass", Health::kWarning, fmt::format("`{}` can be started without its approvals, and nobody would be told", type.name),
                   "add a [[webhook]] for `task.break-glass` to remit.toml");
}

// What enforcement points say of resources is believed where one of them is registered to vouch for it.
void LookAtVouching(Examination& e, const json::Array& actors) {
  const auto catalog = e.services.broker.catalog();
  if (catalog == nullptr) return;
  const auto vouches = [](const json::Value& actor, std::string_view type) {
    const json::Value* all = actor.Find("vouches_for");
    return all != nullptr && std::ranges::any_of(all->AsArray(), [&](const json::Value& one) {
             const std::string_view said = one.AsString();
             return said.substr(0, said.find('.')) == type;
           });
  };
  for (const auto& [name, declared] : catalog->schema().entity_types()) {
    if (!catalog->IsFromPep(name)) continue;
    if (std::ranges::any_of(actors, [&, &type = name](const json::Value& actor) { return !IsBarred(actor) && vouches(actor, type); })) continue;
    e.Add("vouching", Health::kWarning,
          fmt::format("no actor is registered to vouch for `{}`: a decision about one is denied where attributes are given with the question", name),
          fmt::format("remit actor put UID --vouches-for {}", name));
  }
}

std::size_t CountBarred(const json::Array& all) { return static_cast<std::size_t>(std::ranges::count_if(all, IsBarred)); }

// " (2 barred)"; "" where nobody is.
std::string Barred(const json::Array& all) {
  const std::size_t barred = CountBarred(all);
  return barred == 0 ? "" : fmt::format(" ({} barred)", barred);
}

// What to do where nobody is there, not barred, whose type a task type's actor may have; "" where somebody is. A person may be an actor too. Which
// policies would let them is not asked: that depends on the parameters.
std::string NobodyStarts(Examination& e, const json::Array& actors, const json::Array& people) {
  const auto catalog = e.services.broker.catalog();
  const auto starts = [&](const json::Value& somebody) {
    const auto uid = cedar::EntityUid::Parse(somebody.FindString("uid") == nullptr ? "" : *somebody.FindString("uid"));
    if (!uid || IsBarred(somebody)) return false;
    return catalog == nullptr ||
           std::ranges::any_of(catalog->task_types(), [&](const auto& type) { return task::CheckActor(type.second, *uid).has_value(); });
  };
  if (std::ranges::any_of(actors, starts) || std::ranges::any_of(people, starts)) return "";
  std::vector<std::string> ways;
  for (const auto& [type, command] :
       {std::pair(&task::Catalog::IsActor, "remit actor put UID --key FILE"), std::pair(&task::Catalog::IsPerson, "remit person put UID")}) {
    if (catalog == nullptr) continue;
    for (const auto& [name, declared] : catalog->schema().entity_types()) {
      const bool marked = ((*catalog).*type)(name);
      const auto fits = [&, &uid = name](const auto& one) { return task::CheckActor(one.second, {uid, "somebody"}).has_value(); };
      if (!marked || !std::ranges::any_of(catalog->task_types(), fits)) continue;
      ways.emplace_back(command);
      break;
    }
  }
  return "nobody can start a task: " + (ways.empty() ? std::string("remit actor put UID --key FILE") : Join(ways, ", or "));
}

// Who administers: those whom the catalog permits to load another, alone or with others' yes; and while there is nobody, the operator.
void LookAtPeople(Examination& e) {
  const Caller root{.kind = Kind::kOperator, .uid = {"Remit::Operator", "local"}, .task = {}, .signed_in = {}, .session = {}};
  const auto list = [](const Result<json::Value>& answer, std::string_view name) {
    const json::Value* array = answer ? answer->Find(name) : nullptr;
    return array != nullptr && array->IsArray() ? array->AsArray() : json::Array{};
  };
  const json::Array people = list(e.services.broker.ListPeople(root), "people");
  const json::Array actors = list(e.services.broker.ListActors(root), "actors");
  LookAtVouching(e, actors);
  if (const std::vector<std::string> locked = e.services.broker.LockedBy(); !locked.empty())
    e.Add("administration", Health::kError,
          fmt::format(
              "nobody can load a catalog any more, and root and the server's own user do everything, without anybody's yes: `@after_uses` of `{}` "
              "bears on a verb whose uses nobody counts, and forbids it for ever",
              EscapeControl(Join(locked, "`, `"))),
          "as the operator, `remit catalog load` the catalog with the actions that are meant in that policy's scope");
  const std::string nobody = NobodyStarts(e, actors, people);
  std::vector<std::string> administrators;
  for (const json::Value& person : people) {
    const auto uid = cedar::EntityUid::Parse(person.FindString("uid") == nullptr ? "" : *person.FindString("uid"));
    if (!uid || IsBarred(person)) continue;
    const Status may = e.services.broker.MayAdminister(
        {.kind = Kind::kPerson, .uid = *uid, .task = {}, .signed_in = e.services.clock.Now(), .session = {}}, "catalog.load");
    if (may || may.error().reason == "needs-approval") administrators.push_back(EscapeControl(uid->ToString()));
  }
  const std::size_t many = administrators.size();
  if (many > kNamed) administrators.resize(kNamed);
  const std::string who =
      e.services.broker.SetUpIsOpen() ? "the set-up is open: root and the server's own user administer, on its unix socket"
      : many == 0                     ? "nobody administers"
                  : fmt::format("{}{} {}", Join(administrators, ", "), many > kNamed ? " and others" : "", many == 1 ? "administers" : "administer");
  e.Add("people", nobody.empty() ? Health::kOk : Health::kWarning,
        fmt::format("{}; {}{} and {}{} are registered", who, Counted(actors.size(), "actor"), Barred(actors),
                    Counted(people.size(), "person", "people"), Barred(people)),
        nobody);
}

void Finish(const Shared& e) {
  json::Array findings;
  bool ok = true;
  for (const Finding& one : e->findings) {
    ok = ok && one.health != Health::kError;
    findings.push_back(one.ToJson());
  }
  e->respond(http::Json(200, json::Object{{"ok", ok}, {"time", FormatTime(e->services.clock.Wall())}, {"findings", std::move(findings)}}));
}

void NextTarget(const Shared& e) {
  if (e->next_target == e->targets.size()) return Finish(e);
  const json::Value target = e->targets[e->next_target++];
  const json::Value* ok = target.Find("ok");
  if (ok == nullptr || !ok->IsBool() || !ok->AsBool()) {
    e->Add(LookAtTarget(target, json::Value()));
    return NextTarget(e);
  }
  e->services.check_target(*target.FindString("name"), [e, target](Result<json::Value> report) {
    e->Add(LookAtTarget(target, report));
    NextTarget(e);
  });
}

void ListTargets(const Shared& e) {
  e->services.list_targets([e](Result<json::Value> listed) {
    const json::Value* targets = listed ? listed->Find("targets") : nullptr;
    if (targets != nullptr && targets->IsArray()) e->targets = targets->AsArray();
    if (!listed) e->Add("target", Health::kError, listed.error().message, listed.error().hint);
    NextTarget(e);
  });
}

void Doctor(const Call& call, http::Respond respond) {
  REMIT_API_TRY(call.services.broker.MayReadServer(call.caller));
  OnWorker(call, respond, [respond](Services& services) {
    const auto e = std::make_shared<Examination>(Examination{services, respond, {}, {}, 0});
    LookAtServer(*e);
    e->findings.push_back(LookAtLedger(services.store));
    e->Add(LookAtEnding(services.broker.EndingCredentials(), services.clock.Now()));
    LookAtCatalog(*e);
    LookAtBreakGlass(*e);
    LookAtPeople(*e);
    e->Add(LookAtWebhooks(services.list_webhooks()));
    const json::Value machine = services.check_machine();
    for (const json::Value& one : machine.AsArray())
      e->Add(Text(one, "check"),
             Text(one, "status") == "ok"        ? Health::kOk
             : Text(one, "status") == "warning" ? Health::kWarning
                                                : Health::kError,
             Text(one, "what"), Text(one, "hint"));
    services.broker.SeeUnknownAccounts([e](Result<json::Array> seen) {
      if (seen) e->Add(LookAtAccounts(*seen));
      if (!seen) e->Add("account", Health::kWarning, "which roles declared accounts are was not looked at: " + seen.error().message);
      ListTargets(e);
    });
  });
}

}  // namespace

json::Value Finding::ToJson() const {
  json::Object object{{"check", check}, {"status", health == Health::kOk ? "ok" : health == Health::kWarning ? "warning" : "error"}, {"what", what}};
  if (!hint.empty()) object.Set("hint", hint);
  return object;
}

std::vector<Finding> LookAtEnding(const std::vector<task::CredentialRecord>& ending, Time now) {
  std::vector<const task::CredentialRecord*> long_ago;
  for (const task::CredentialRecord& one : ending)
    if (one.ending && now - *one.ending > kEndingTooLong) long_ago.push_back(&one);
  if (long_ago.empty())
    return {{"ending", Health::kOk, fmt::format("{} ending, none of them for long", Counted(ending.size(), "credential is", "credentials are")), ""}};
  std::ranges::sort(long_ago, {}, [](const task::CredentialRecord* one) { return *one->ending; });
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < std::min(long_ago.size(), kNamed); ++i) {
    const task::CredentialRecord& one = *long_ago[i];
    findings.push_back({"ending", Health::kError,
                        fmt::format("`{}` of `{}` at `{}` should have been dead since {}: {}", one.id, one.task, EscapeControl(one.target),
                                    FormatTime(*one.ending), one.last_error.empty() ? "no attempt has come back" : EscapeControl(one.last_error)),
                        fmt::format("remit show {}; is the target there? it is tried again by itself", one.task)});
  }
  if (long_ago.size() > kNamed)
    findings.push_back({"ending", Health::kError, fmt::format("and {} more", long_ago.size() - kNamed), "remit list --state ended"});
  return findings;
}

std::vector<Finding> LookAtAccounts(const json::Array& seen) {
  std::vector<Finding> findings;
  for (const json::Value& one : seen) {
    const std::string reason = Text(one, "reason");
    if (reason.empty()) continue;  // it was noted just now
    if (findings.size() == kNamed) {
      findings.push_back({"account", Health::kWarning, "and others", "remit actor list"});
      break;
    }
    findings.push_back({"account", Health::kWarning, fmt::format("`{}` is declared, and its OID is not noted: {}", Text(one, "account"), reason),
                        "until it was seen, whatever role has this name is taken for it; it is looked at with each sweep"});
  }
  return findings;
}

std::vector<Finding> LookAtWebhooks(const json::Value& webhooks) {
  std::vector<Finding> findings;
  for (const json::Value& one : webhooks.Find("webhooks")->AsArray()) {
    const std::string name = Text(one, "name"), since = Text(one, "failing_since");
    if (!since.empty()) {
      findings.push_back({"webhook", Health::kWarning,
                          fmt::format("`{}` ({}) has taken nothing since {}, {}: {}", name, Text(one, "host"), since,
                                      Counted(Number(one, "behind"), "event waits", "events wait"), Text(one, "last_error")),
                          "it is tried again at least every 5 minutes; a message is given up after 24 hours"});
    } else {
      findings.push_back({"webhook", Health::kOk,
                          fmt::format("`{}` ({}) has taken everything but {}", name, Text(one, "host"), Counted(Number(one, "behind"), "event")),
                          ""});
    }
  }
  return findings;
}

std::vector<Finding> LookAtTarget(const json::Value& target, const Result<json::Value>& report) {
  const std::string name = Text(target, "name");
  const json::Value* ok = target.Find("ok");
  if (ok == nullptr || !ok->IsBool() || !ok->AsBool())
    return {{"target", Health::kError, fmt::format("`{}` does not answer: {}", name, Text(target, "detail")),
             "starts that need it fail, and ends wait for it; a new one is prepared with what `remit target init postgres " + name + "` prints"}};
  if (!report)
    return {{"target", Health::kWarning, fmt::format("`{}` could not be looked into: {}", name, report.error().message),
             report.error().hint.empty() ? "remit target check " + name : report.error().hint}};
  std::vector<Finding> findings;
  if (const std::int64_t open = Number(*report, "open"); open > 0)
    findings.push_back(
        {"target", Health::kWarning,
         fmt::format("`{}`: {} open to everybody who can log in there, so to every task", name, Counted(open, "thing is", "things are")),
         fmt::format("remit target check {}: close them, or accept them by name", name)});
  if (const json::Value* stale = report->Find("stale_accepted"); stale != nullptr && stale->IsArray() && !stale->AsArray().empty())
    findings.push_back(
        {"target", Health::kWarning,
         fmt::format("`{}`: {} accepted in remit.toml and not there any more", name, Counted(stale->AsArray().size(), "thing is", "things are")),
         "take them out of `accepted`"});
  if (const json::Value* lacked = report->Find("lacked_sequences"); lacked != nullptr && lacked->IsArray()) {
    std::vector<std::string> tables;
    for (const json::Value& one : lacked->AsArray())
      if (const json::Value* own = one.Find("own"); own != nullptr && own->IsBool() && own->AsBool())
        if (std::string table = Text(one, "table"); tables.empty() || tables.back() != table) tables.push_back(std::move(table));
    if (!tables.empty())
      findings.push_back(
          {"target", Health::kWarning,
           fmt::format("`{}`: tasks may insert into {}, and not use the sequence that its column draws its numbers from", name, Join(tables, ", ")),
           fmt::format("run what `remit target init postgres {}` prints again, as a superuser", name)});
  }
  if (findings.empty())
    findings.push_back({"target", Health::kOk, fmt::format("`{}` answers, and gives tasks nothing but what Remit gives", name), ""});
  return findings;
}

Finding LookAtLedger(store::Store& store) {
  const store::TreeHead head = store.Head();
  const auto broken = [](std::string what) {
    return Finding{"ledger", Health::kError, std::move(what), "stop the server, keep the files, and run `remit ledger verify`"};
  };
  if (head.size == 0) return {"ledger", Health::kOk, "it is empty", ""};
  const Result<Hash> root = store.RootAt(head.size);
  if (!root) return broken(root.error().message);
  if (*root != head.root) return broken("its tiles do not give the root that the store serves");
  std::string flaw;
  Hash last{};
  const Status scanned = store.ScanEvents(head.size - std::min(head.size, kLastEvents), [&](const store::StoredEvent& event) {
    if (event.index >= head.size) return false;
    last = event.leaf;
    if (event.body && ledger::EventLeaf(event.index, AsBytes(event.salt), AsBytes(*event.body)) != event.leaf)
      flaw = fmt::format("event {} is not the one that was hashed", event.index);
    return flaw.empty();
  });
  if (!scanned) return broken(scanned.error().message);
  if (!flaw.empty()) return broken(flaw);
  const auto proof = store.InclusionProof(head.size - 1, head.size);
  if (!proof) return broken(proof.error().message);
  if (!ledger::VerifyInclusion(head.size - 1, head.size, last, *proof, head.root)) return broken("its last event is not in its tree");
  return {"ledger", Health::kOk,
          fmt::format("{}; the last {} and the tree over all hold (`remit ledger verify` recomputes everything)", Counted(head.size, "event"),
                      std::min(head.size, kLastEvents)),
          ""};
}

void AddDoctorRoutes(http::Router& router, Services& services) { AddCall(router, services, "GET", "/v1/doctor", Doctor); }

}  // namespace remit::api
