// remit key: the keys that the server signs with.
#include <fmt/format.h>

#include "base/count.h"
#include "cli/commands.h"
#include "cli/local_time.h"
#include "cli/output.h"
#include "cli/remote.h"

namespace remit::cli {
namespace {

// Whether it was about a key that was rotated before: no other takes its place.
bool IsOfOld(const json::Value& answer) {
  return Flagged(answer, "leaked") && Text(answer, "new").empty() && Text(answer, "approvals_needed").empty();
}

std::string WhatBecame(const json::Value& answer) {
  const std::string key = Text(answer, "key"), old = Text(answer, "old");
  const bool dry = Flagged(answer, "dry_run");
  if (IsOfOld(answer)) return fmt::format("{} {} {} not trusted any more; none is rotated", key, old, dry ? "would be" : "is");
  if (dry) return fmt::format("would be rotated: {} {}", key, old);
  return fmt::format("{} {} signs now, in the place of {}", key, Text(answer, "new"), old);
}

// What it means for what was signed, and what is to be done.
void PrintConsequences(const json::Value& answer) {
  const bool leaked = Flagged(answer, "leaked"), tokens = Text(answer, "key") == "access", dry = Flagged(answer, "dry_run");
  const std::string is = dry ? "would be" : "is";
  if (tokens && leaked) {
    if (IsOfOld(answer)) {
      PrintMessage(fmt::format("no JWT that it signed {} accepted here any more", is));
    } else {
      const std::int64_t count = answer.Find("tokens")->AsInt();
      PrintMessage(fmt::format("tokens signed before: no JWT {} accepted here any more; {} {} to be fetched anew, with `remit token`", is,
                               Counted(count, "token of tasks", "tokens of tasks"),
                               dry          ? "would have"
                               : count == 1 ? "has"
                                            : "have"));
    }
    PrintMessage("tasks go on, and so does each REMIT_TOKEN: it is no JWT");
    PrintMessage("who verifies JWTs without asking accepts them until it reads /jwks again: let it do so now");
  } else if (tokens) {
    PrintMessage(fmt::format("{} good; the old public key {} published until {}",
                             Counted(answer.Find("tokens")->AsInt(), "token of tasks stays", "tokens of tasks stay"), is,
                             Moment(answer, "published_until")));
  } else if (leaked) {
    PrintMessage(fmt::format(
        "the old public key {} not in /jwks/receipts any more, and stays in `remit key list`; ask for receipts anew: `remit receipt TASK`", is));
  } else {
    PrintMessage(fmt::format("receipts signed before stay good: the old public key {} published for ever", is));
  }
}

Result<int> List() {
  REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
  REMIT_ASSIGN(json::Value answer, remote.Get("/v1/keys"));
  if (globals().json) return PrintJson(answer), kOk;
  std::vector<std::vector<std::string>> rows = {{"KEY", "KID", "STATE", "SINCE", "UNTIL", "PUBLISHED UNTIL"}};
  for (const json::Value& one : answer.Find("keys")->AsArray()) {
    const auto moment = [&one](const char* name) { return one.Find(name) == nullptr ? std::string() : Moment(one, name); };
    const std::string ever = Text(one, "state") == "published" && one.Find("published_until") == nullptr ? "for ever" : "";
    rows.push_back(
        {Text(one, "key"), Text(one, "kid"), Text(one, "state"), moment("since"), moment("until"), ever.empty() ? moment("published_until") : ever});
  }
  PrintTable(rows);
  return kOk;
}

}  // namespace

void AddKey(Command& root) {
  Command& key = root.Sub("key", "lists and rotates the keys that the server signs with (administrators)");
  key.Sub("list", "lists the keys that sign, and those that still verify").Example("remit key list").Run(List);
  struct Args {
    std::string key, kid, idempotency;
    bool leaked = false, dry_run = false;
  };
  auto args = std::make_shared<Args>();
  key.Sub("rotate", "puts a new signing key in the place of one")
      .Argument("key", args->key, "access (signs tokens) or receipt")
      .Flag("--leaked", args->leaked, "the old one has leaked: nothing that it signed is trusted from now on. Waits for nobody's yes")
      .Flag("--dry-run", args->dry_run, "says what it would do, and changes nothing")
      .Option("--kid", args->kid, "only if it is this one that signs now; with --leaked also one that was rotated before", "KID")
      .Option("--idempotency-key", args->idempotency, "rotates at most once for the same key")
      .Example("remit key rotate access --dry-run\nremit key rotate access\nremit key rotate access --leaked")
      .Run([args]() -> Result<int> {
        json::Object body{{"key", args->key}};
        if (!args->kid.empty()) body.Set("kid", args->kid);
        if (!args->idempotency.empty()) body.Set("idempotency_key", args->idempotency);
        if (args->leaked) body.Set("leaked", true);
        if (args->dry_run) body.Set("dry_run", true);
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/keys/rotate", body));
        if (Waits(answer)) return kNotApproved;
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(WhatBecame(answer));
        PrintConsequences(answer);
        if (const std::string needed = Text(answer, "approvals_needed"); !needed.empty() && needed != "0")
          PrintMessage(fmt::format("it would wait for the yes of {} {}", needed, needed == "1" ? "other" : "others"));
        return kOk;
      });
}

}  // namespace remit::cli
