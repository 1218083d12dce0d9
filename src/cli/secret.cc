// remit secret: the built-in secret store. Inside a task it is the task's own; the operator may write the first version, and reads none.
#include <unistd.h>

#include <fmt/format.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "http/target.h"

namespace remit::cli {
namespace {

// Each segment encoded, the slashes between them kept.
std::string EncodedPath(const std::string& path) {
  std::string out;
  for (char c : path) out += c == '/' ? "/" : http::PercentEncode(std::string(1, c));
  return out;
}

// A secret from standard input, so that it is in no process list and no shell history. One newline at its end is not part of it.
Result<Secret> ReadStdin() {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(0, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > limits::kSecretBytes + 1)
      return Fail(Code::kInvalidArgument, "secret-too-large", fmt::format("a secret has at most {} bytes", limits::kSecretBytes));
  }
  WipeMemory(buffer, sizeof buffer);
  if (text.ends_with("\n")) text.pop_back();
  Secret secret(text);
  WipeMemory(text.data(), text.size());
  return secret;
}

}  // namespace

void AddSecret(Command& root) {
  Command& secret = root.Sub("secret", "reads and writes the built-in secret store");
  struct Args {
    std::string path, version;
  };
  auto get = std::make_shared<Args>();
  secret.Sub("get", "prints a secret; inside a task that may read it")
      .Argument("path", get->path, "e.g. ci/deploy/token")
      .Option("--version", get->version, "an older version", "N")
      .Example("remit run rotate secret=ci/deploy/token -- remit secret get ci/deploy/token")
      .Run([get]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kTask));
        REMIT_ASSIGN(json::Value answer, remote.Get("/v1/secrets/" + EncodedPath(get->path) +
                                                    (get->version.empty() ? "" : "?version=" + http::PercentEncode(get->version))));
        if (globals().json) return PrintJson(answer), kOk;
        std::string value = *answer.FindString("value");
        if (const std::string* encoding = answer.FindString("encoding"); encoding != nullptr && *encoding == "base64") {
          REMIT_ASSIGN(Bytes bytes, Base64Decode(value));
          value = ToText(bytes);
        }
        std::fwrite(value.data(), 1, value.size(), stdout);
        if (isatty(1) == 1) std::fputc('\n', stdout);
        WipeMemory(value.data(), value.size());
        return kOk;
      });
  auto put = std::make_shared<Args>();
  secret.Sub("put", "writes the next version, read from standard input")
      .Argument("path", put->path, "e.g. ci/deploy/token")
      .Example("openssl rand -base64 32 | remit secret put ci/deploy/token")
      .Run([put]() -> Result<int> {
        REMIT_ASSIGN(Secret value, ReadStdin());
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kTask));
        REMIT_ASSIGN(json::Value answer, remote.Put("/v1/secrets/" + EncodedPath(put->path),
                                                    json::Object{{"value", Base64Encode(value.RevealBytes())}, {"encoding", "base64"}}));
        if (globals().json) return PrintJson(answer), kOk;
        PrintLine(fmt::format("{} is at version {}", put->path, Text(answer, "version")));
        return kOk;
      });
  auto list = std::make_shared<Args>();
  secret.Sub("list", "lists the names in a folder, for who may")
      .Argument("folder", list->path, "e.g. ci/deploy")
      .Example("remit secret list ci/deploy")
      .Run([list]() -> Result<int> {
        REMIT_ASSIGN(Remote remote, Remote::Open(As::kTask));
        REMIT_ASSIGN(json::Value answer, remote.Get("/v1/secrets/" + EncodedPath(list->path) + "?list=true"));
        if (globals().json) return PrintJson(answer), kOk;
        for (const json::Value& name : answer.Find("names")->AsArray()) PrintLine(Plain(name));
        return kOk;
      });
}

}  // namespace remit::cli
