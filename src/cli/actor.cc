// remit actor: registers who may start tasks and ask for decisions.
#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "crypto/key.h"
#include "io/files.h"
#include "jose/jwk.h"
#include "json/read.h"

namespace remit::cli {
namespace {

// A public key: PEM or JWK. A private one stays here: it is nobody else's, not even the server's.
Result<json::Value> ReadPublicKey(const std::string& path) {
  REMIT_ASSIGN(std::string text, io::ReadFile(path, 64u << 10));
  if (text.find("-----BEGIN PUBLIC KEY-----") != std::string::npos) {
    Result<crypto::VerifyKey> key = crypto::VerifyKey::FromPem(text);
    if (!key) return Fail(std::move(key).error().At(path));
    return json::Value(jose::PublicJwk(*key));
  }
  Result<json::Value> jwk = json::Parse(text);
  const bool is_jwk = jwk && jwk->IsObject();
  if (text.find("PRIVATE KEY-----") != std::string::npos || (is_jwk && jwk->Find("d") != nullptr))
    return Fail(Code::kInvalidArgument, "private-key", fmt::format("`{}` is a private key; register its public half", path),
                "name the file with what `remit actor key` printed, e.g. ci.pub");
  if (!is_jwk)
    return Fail(Code::kInvalidArgument, "bad-key", fmt::format("`{}` is no public key: neither PEM nor JWK", path),
                "`remit actor key FILE` makes a key, and prints its public half");
  return jwk;
}

// Which roles its accounts are: from here on no other role of the same name is taken for one that was seen, as long as that one is there.
void PrintAccountsSeen(const json::Value& answer) {
  const json::Value* seen = answer.Find("accounts_seen");
  if (seen == nullptr) return;
  for (const json::Value& one : seen->AsArray()) {
    const std::string account = Text(one, "account"), reason = Text(one, "reason");
    const json::Value* noted = one.Find("noted");
    if (noted == nullptr || !noted->AsBool())
      PrintMessage(fmt::format(
          "{} is declared, and was not seen: {}. Its OID is noted as soon as it is seen; until then whatever role has this name is taken for it",
          account, reason));
    else if (!reason.empty())
      PrintMessage(
          fmt::format("{} is declared, and noted as the role with OID {} at cluster {}: {}", account, Text(one, "oid"), Text(one, "system"), reason));
    else
      PrintLine(
          fmt::format("{} is the role with OID {} at cluster {}: `remit offboard` ends that one, and no other of its name while it is there; where "
                      "it was dropped, "
                      "what has the name then",
                      account, Text(one, "oid"), Text(one, "system")));
  }
}

// The texts of a list, for one cell of a table.
std::string Listed(const json::Value& actor, std::string_view member) {
  std::string texts;
  if (const json::Value* all = actor.Find(member))
    for (const json::Value& one : all->AsArray()) texts += (texts.empty() ? "" : ", ") + EscapeControl(one.AsString());
  return texts;
}

}  // namespace

void AddActor(Command& root) {
  Command& actor = root.Sub("actor", "registers the machines that run tasks or ask for decisions (administrators)");
  struct Args {
    std::string uid, client_id, key, unix_uid, owner;
    std::vector<std::string> accounts, vouches_for, audiences;
    bool bar = false, no_accounts = false, no_owner = false, vouches_for_nothing = false, no_audiences = false;
  };
  auto put = std::make_shared<Args>();
  actor.Sub("put", "registers an actor, or changes one")
      .Argument("uid", put->uid, "e.g. 'Pipeline::\"checkout\"'")
      .Option("--client-id", put->client_id, "its name for OAuth (default: the uid)")
      .Option("--key", put->key, "file with its public key, PEM or JWK (ES256)", "FILE")
      .Option("--unix-uid", put->unix_uid, "local processes of this user are this actor", "N")
      .Option("--account", put->accounts, "a role that it has at a target outside of tasks, again for each: `remit offboard` ends it", "TARGET/ROLE")
      .Flag("--no-accounts", put->no_accounts, "it has none any more; without either flag, those that are registered stay")
      .Option("--owner", put->owner, "the person who answers for it: their yes counts for nothing that it asks for", "UID")
      .Flag("--no-owner", put->no_owner, "nobody does any more; without either flag, whoever is registered stays")
      .Option("--vouches-for", put->vouches_for, "what it is believed about resources where it enforces, again for each", "TYPE[.ATTRIBUTE]")
      .Flag("--vouches-for-nothing", put->vouches_for_nothing, "it is believed nothing any more; without either flag, what is registered stays")
      .Option("--audience", put->audiences, "a resource server that it is, as `remit token --audience` names it, again for each", "NAME")
      .Flag("--no-audiences", put->no_audiences, "it is none any more; without either flag, what is registered stays")
      .Flag("--bar", put->bar, "may do nothing from now on")
      .Example("remit actor key checkout.key > checkout.pub\nremit actor put 'Pipeline::\"checkout\"' --client-id checkout --key checkout.pub")
      .Run([put]() -> Result<int> {
        json::Object body{{"uid", put->uid}};
        if (!put->client_id.empty()) body.Set("client_id", put->client_id);
        if (!put->key.empty()) {
          REMIT_ASSIGN(json::Value jwk, ReadPublicKey(put->key));
          body.Set("jwk", std::move(jwk));
        }
        if (!put->unix_uid.empty()) {
          REMIT_ASSIGN(json::Value number, json::Parse(put->unix_uid));
          if (!number.IsInt())
            return Fail(Code::kInvalidArgument, "usage", fmt::format("`{}` is not the number of a user", put->unix_uid), "find it with `id -u NAME`");
          body.Set("unix_uid", std::move(number));
        }
        if (put->no_accounts && !put->accounts.empty())
          return Fail(Code::kInvalidArgument, "usage", "--account and --no-accounts exclude each other", "name all accounts that it has");
        if (put->no_accounts || !put->accounts.empty()) body.Set("accounts", json::StringArray(put->accounts));
        if (put->no_owner && !put->owner.empty())
          return Fail(Code::kInvalidArgument, "usage", "--owner and --no-owner exclude each other", "name the one who answers for it");
        if (put->no_owner || !put->owner.empty()) body.Set("owner", put->owner);
        if (put->vouches_for_nothing && !put->vouches_for.empty())
          return Fail(Code::kInvalidArgument, "usage", "--vouches-for and --vouches-for-nothing exclude each other", "name all that it vouches for");
        if (put->vouches_for_nothing || !put->vouches_for.empty()) body.Set("vouches_for", json::StringArray(put->vouches_for));
        if (put->no_audiences && !put->audiences.empty())
          return Fail(Code::kInvalidArgument, "usage", "--audience and --no-audiences exclude each other", "name all that it is");
        if (put->no_audiences || !put->audiences.empty()) body.Set("audiences", json::StringArray(put->audiences));
        if (put->bar) body.Set("barred", true);
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
        REMIT_ASSIGN(json::Value answer, remote.Post("/v1/actors", body));
        if (Waits(answer)) return kNotApproved;
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(fmt::format("{} is {} (client id `{}`)", Text(answer, "uid"), put->bar ? "barred" : "registered", Text(answer, "client_id")));
        PrintAccountsSeen(answer);
        if (put->bar) PrintStillRunning(answer);
        return kOk;
      });
  actor.Sub("list", "lists the actors").Example("remit actor list").Run([]() -> Result<int> {
    REMIT_ASSIGN(Remote remote, Remote::Open(As::kAdmin));
    REMIT_ASSIGN(json::Value answer, remote.Get("/v1/actors"));
    if (globals().json) return PrintJson(answer), kOk;
    std::vector<std::vector<std::string>> rows = {
        {"ACTOR", "CLIENT ID", "KEY", "UNIX UID", "BARRED", "OWNER", "ACCOUNTS", "VOUCHES FOR", "AUDIENCES"}};
    for (const json::Value& one : answer.Find("actors")->AsArray()) {
      rows.push_back({Text(one, "uid"), Text(one, "client_id"), one.Find("jwk") != nullptr ? "yes" : "no", Text(one, "unix_uid"), Text(one, "barred"),
                      Text(one, "owner"), Listed(one, "accounts"), Listed(one, "vouches_for"), Listed(one, "audiences")});
    }
    PrintTable(rows);
    return kOk;
  });
  auto file = std::make_shared<std::string>();
  actor.Sub("key", "makes a new private key in a file, and prints its public half")
      .Argument("file", *file, "where to write the private key; never overwritten")
      .Example("remit actor key checkout.key > checkout.pub")
      .Run([file]() -> Result<int> {
        crypto::SigningKey key = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
        REMIT_TRY(io::WriteNewFile(*file, key.ToPem().Reveal(), 0600));
        if (globals().json) return PrintJson(jose::PublicJwk(key.public_key())), kOk;
        std::string pem = key.public_key().ToPem();
        while (pem.ends_with("\n")) pem.pop_back();
        PrintLine(pem);
        return kOk;
      });
}

}  // namespace remit::cli
