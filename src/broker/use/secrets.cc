// The built-in secret store's front: each read and write is a use of the task, judged like any other. Everything that is refused looks
// like "not found".
#include <fmt/format.h>

#include "broker/core.h"
#include "json/write.h"
#include "task/builtin_schema.h"
#include "task/secret_path.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {

std::unexpected<Error> NoSuchSecret(const std::string& path) { return Fail(Code::kNotFound, "no-such-secret", fmt::format("no secret `{}`", path)); }

UseRequest Question(const Caller& by, std::string_view action, std::string_view type, const std::string& id) {
  UseRequest request;
  request.task = by.task;
  request.action = {"Secret::Action", std::string(action)};
  request.resource = {std::string(type), id};
  return request;
}

}  // namespace

void Broker::ReadSecret(const Caller& by, const std::string& path, std::optional<std::uint32_t> version, Answer<SecretAnswer> answer) {
  if (!by.Is(Kind::kTask) || !task::CheckSecretPath(path)) return answer(NoSuchSecret(path));
  Core& core = *core_;
  core.Locked([&] {
    core.uses.Use(Question(by, "read", task::kSecretPathType, path), "", {}, [&core, path, version, answer](Result<UseAnswer> use) {
      if (!use) return answer(std::unexpected(use.error()));
      if (!use->allowed) return answer(NoSuchSecret(path));
      Result<target::secrets::Version> read = core.secrets.Read(path, version);
      if (!read) return answer(std::unexpected(read.error()));
      answer(SecretAnswer{std::move(read->value), read->number, read->written});
    });
  });
}

// Beside tasks, those who may change what is behind this target: the operator during the set-up, then whom `target.change` permits. They read
// nothing.
void Broker::WriteSecret(const Caller& by, const std::string& path, Secret value, Answer<SecretAnswer> answer) {
  const bool of_task = by.Is(Kind::kTask);
  if (!of_task && !by.Is(Kind::kOperator) && !by.Is(Kind::kPerson) && !by.Is(Kind::kActor)) return answer(NoSuchSecret(path));
  if (!of_task)
    if (Status may = MayAdminister(by, "target.change"); !may)
      return answer(by.Is(Kind::kOperator) ? Result<SecretAnswer>(std::unexpected(may.error())) : NoSuchSecret(path));
  if (Status valid = task::CheckSecretPath(path); !valid)
    return answer(!of_task ? Result<SecretAnswer>(std::unexpected(valid.error())) : NoSuchSecret(path));
  Core& core = *core_;
  store::Batch batch;
  Time now = core.Now();
  // Prepared first: a refusal throws it away, unseen. What is prepared is sealed already.
  Result<std::uint32_t> version = core.secrets.PrepareWrite(path, value, now, batch);
  core.Locked([&] {
    Time at = core.Stamp();
    json::Object event = Core::Event("secret.written", at);
    event.Set(of_task ? "task" : "by", of_task ? by.task : by.uid.ToString());
    event.Set("path", path);
    if (version) event.Set("version", *version);
    batch.events.push_back(json::Canonical(event));
    if (!of_task) {
      if (!version) return core.Later([answer, error = version.error()] { answer(std::unexpected(error)); });
      core.Commit(std::move(batch), [&core, answer, version = *version, now](const auto& committed) {
        if (!committed) return core.Refuse(answer, committed.error());
        core.Later([answer, version, now] { answer(SecretAnswer{Secret(), version, now}); });
      });
      return;
    }
    if (!version) batch = {};
    core.uses.Use(Question(by, "write", task::kSecretPathType, path), "", std::move(batch), [answer, path, version, now](Result<UseAnswer> use) {
      if (!use) return answer(std::unexpected(use.error()));
      if (!use->allowed) return answer(NoSuchSecret(path));
      if (!version) return answer(std::unexpected(version.error()));
      answer(SecretAnswer{Secret(), *version, now});
    });
  });
}

void Broker::ListSecrets(const Caller& by, const std::string& folder, Answer<json::Value> answer) {
  if (!by.Is(Kind::kTask) && !by.Is(Kind::kOperator)) return answer(NoSuchSecret(folder));
  if (!folder.empty() && !task::CheckSecretPath(folder)) return answer(NoSuchSecret(folder));
  Core& core = *core_;
  auto list = [&core, folder, answer] {
    Result<std::vector<std::string>> names = core.secrets.List(folder);
    if (!names) return answer(std::unexpected(names.error()));
    answer(json::Value(json::Object{{"folder", folder}, {"names", json::StringArray(*names)}}));
  };
  if (by.Is(Kind::kOperator)) return list();
  core.Locked([&] {
    core.uses.Use(Question(by, "list", task::kSecretFolderType, folder), "", {}, [list, folder, answer](Result<UseAnswer> use) {
      if (!use) return answer(std::unexpected(use.error()));
      if (!use->allowed) return answer(NoSuchSecret(folder));
      list();
    });
  });
}

}  // namespace remit::broker
