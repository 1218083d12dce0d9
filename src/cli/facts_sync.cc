// remit facts sync: makes the server's facts those of a source. What would be removed is removed only where somebody said so, and a source that
// cannot be read whole changes nothing.
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/count.h"
#include "base/text.h"
#include "cedar/value.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/sources/source.h"

namespace remit::cli {
namespace {

using Documents = std::map<std::string, const json::Value*>;  // by uid as people write it

// A uid as Cedar's JSON has it, in both of its forms; "" where it has none.
std::string UidText(const json::Value& entity) {
  const json::Value* uid = entity.Find("uid");
  if (uid != nullptr && uid->Find("__entity") != nullptr) uid = uid->Find("__entity");
  const std::string* type = uid == nullptr ? nullptr : uid->FindString("type");
  const std::string* id = uid == nullptr ? nullptr : uid->FindString("id");
  return type == nullptr || id == nullptr ? "" : cedar::EntityUid{*type, *id}.ToString();
}

Documents ByUid(const json::Array& entities) {
  Documents documents;
  for (const json::Value& entity : entities) documents[UidText(entity)] = &entity;
  return documents;
}

// The server would refuse it, too; but what is only looked at, or seems to be unchanged, never comes there.
Status EachOnce(const json::Array& entities) {
  std::set<std::string> seen;
  for (const json::Value& entity : entities) {
    const std::string uid = UidText(entity);
    if (uid.empty())
      return Fail(Code::kInvalidArgument, "bad-entities", "an entity has a `uid` with `type` and `id`",
                  R"(write {"uid": {"type": "Team", "id": "support"}, "attrs": {}, "parents": []})");
    if (!seen.insert(uid).second)
      return Fail(Code::kInvalidArgument, "duplicate-entity", fmt::format("{} is given twice, in different words", EscapeControl(uid)));
  }
  return {};
}

struct Difference {
  std::vector<std::string> added, changed, removed;

  bool empty() const { return added.empty() && changed.empty() && removed.empty(); }
};

Difference Between(const json::Array& before, const json::Array& after) {
  const Documents old = ByUid(before), now = ByUid(after);
  Difference difference;
  for (const auto& [uid, entity] : now) {
    const auto known = old.find(uid);
    if (known == old.end())
      difference.added.push_back(uid);
    else if (!(*known->second == *entity))
      difference.changed.push_back(uid);
  }
  for (const auto& [uid, entity] : old)
    if (!now.contains(uid)) difference.removed.push_back(uid);
  return difference;
}

void Print(const Difference& difference) {
  for (const std::string& uid : difference.added) PrintLine(Styled(Style::kGreen, "+ " + EscapeControl(uid)));
  for (const std::string& uid : difference.changed) PrintLine(Styled(Style::kYellow, "~ " + EscapeControl(uid)));
  for (const std::string& uid : difference.removed) PrintLine(Styled(Style::kRed, "- " + EscapeControl(uid)));
}

json::Object ToJson(const Difference& difference, const SourceFacts& source, std::string_view outcome) {
  return json::Object{{"outcome", outcome},
                      {"source", source.ToJson()},
                      {"added", json::StringArray(difference.added)},
                      {"changed", json::StringArray(difference.changed)},
                      {"removed", json::StringArray(difference.removed)}};
}

struct Args {
  std::string source, ca;
  bool dry_run = false, yes = false;
};

// `outcome` is `unchanged`, `dry-run` or `synced`.
Result<int> Say(const Difference& difference, const SourceFacts& source, std::string_view outcome, const std::string& line) {
  if (globals().json) return PrintJson(ToJson(difference, source, outcome)), kOk;
  Print(difference);
  PrintLine(line);
  return kOk;
}

std::string Summary(const Difference& difference) {
  return fmt::format("{} added, {} changed, {} removed", difference.added.size(), difference.changed.size(), difference.removed.size());
}

Result<int> Sync(const Args& args) {
  REMIT_ASSIGN(const SourceFacts source, ReadSource(args.source, {.ca_file = args.ca}));
  REMIT_TRY(EachOnce(source.entities));
  // A job has a key; a person, or the operator at the first set-up, has none.
  const char* key = std::getenv("REMIT_KEY_FILE");
  REMIT_ASSIGN(Remote remote, Remote::Open(key != nullptr && *key != '\0' ? As::kStarter : As::kAdmin));
  REMIT_ASSIGN(const json::Value before, remote.Get("/v1/facts"));
  const Difference difference = Between(before.Find("entities")->AsArray(), source.entities);
  const std::string which = source.commit.empty() ? source.from : fmt::format("{} at {}", source.from, source.commit.substr(0, 12));
  if (difference.empty())
    return Say(difference, source, "unchanged", fmt::format("unchanged: facts {} are those of {}", Text(before, "hash").substr(0, 12), which));
  if (!difference.removed.empty() && !args.yes && !args.dry_run) {
    if (!globals().json) Print(difference);
    return Fail(Code::kFailedPrecondition, "would-remove",
                fmt::format("{} would be removed, and nothing was changed",
                            Counted(static_cast<std::int64_t>(difference.removed.size()), "entity", "entities")),
                "if it is meant, say --yes");
  }
  json::Object body{{"entities", source.entities}, {"replace", true}, {"source", source.ToJson()}};
  if (const std::string hash = Text(before, "hash"); !hash.empty()) body.Set("expected", hash);
  if (args.dry_run) body.Set("dry_run", true);  // whether they fit the catalog, and who may, is for the server to say
  REMIT_ASSIGN(const json::Value answer, remote.Post("/v1/facts", body));
  if (args.dry_run) {
    const std::int64_t needed = answer.Find("approvals_needed")->AsInt();
    return Say(difference, source, "dry-run",
               fmt::format("{}, from {}; nothing was changed{}", Summary(difference), which,
                           needed == 0 ? "" : fmt::format(", and it would wait for the yes of {}", Counted(needed, "person", "people"))));
  }
  if (Waits(answer)) return kNotApproved;
  return Say(difference, source, "synced",
             fmt::format("{}; {}, facts {}, from {}", Summary(difference), Counted(answer.Find("entities")->AsInt(), "entity", "entities"),
                         Text(answer, "hash").substr(0, 12), which));
}

}  // namespace

void AddFactsSync(Command& facts) {
  auto args = std::make_shared<Args>();
  facts.Sub("sync", "makes the facts those of a source: what is not in it any more is removed")
      .Argument("source", args->source, "a file, a folder (its *.json), https://…, git+file:///REPOSITORY#REF:PATH or git+https://…#REF:PATH")
      .Flag("--dry-run", args->dry_run, "shows the difference, and changes nothing")
      .Flag("--yes", args->yes, "removes what is not in the source any more")
      .Option("--ca", args->ca, "certificates that are trusted for https (default: the system's)", "FILE")
      .Example("remit facts sync git+file:///srv/facts#main:facts.json --dry-run")
      .Run([args] { return Sync(*args); });
}

}  // namespace remit::cli
