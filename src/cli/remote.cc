#include "cli/remote.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/rng.h"
#include "cli/command.h"
#include "cli/output.h"
#include "http/problem.h"
#include "http/target.h"
#include "io/files.h"
#include "jose/client_assertion.h"
#include "jose/jwk.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::cli {
namespace {

std::string Env(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// As people say it. `by_default`: the address is nobody's word.
Error InOurWords(Error error, const std::string& address, bool by_default) {
  if (error.reason == "cannot-connect") {
    error.message = fmt::format("no server answers at {}", address);
    error.hint = by_default ? "REMIT_ADDR is not set, so the default was tried: set it, or start a server with `remit dev`"
                            : "start it (`remit serve`; to try things: `remit dev`), or say where it is with --server";
  } else if (error.reason == "bad-certificate" && error.message.find("wrong version number") != std::string::npos) {
    error.message = fmt::format("what answers at {} has no TLS", address);
    error.hint = "try http://" + address.substr(address.find("://") + 3);
  }
  return error;
}

// Single quotes around what was probably meant: mostly it is the shell that took the double ones away.
std::string QuotedUid(const std::string& message) {
  const std::size_t begin = message.find('`'), end = message.rfind('`');
  const std::string text = begin < end ? message.substr(begin + 1, end - begin - 1) : "";
  const std::size_t colons = text.rfind("::");
  if (colons == std::string::npos || colons == 0 || text.find_first_of("\"'\\") != std::string::npos || colons + 2 == text.size())
    return "'Type::\"id\"'";
  return fmt::format("'{}::\"{}\"'", text.substr(0, colons), text.substr(colons + 2));
}

// A refusal as somebody at a shell sees it: there is no request body there.
Error AsTyped(Error error) {
  if (error.place == "body") error.place.clear();
  if (error.place.starts_with("body.")) error.place.erase(0, 5);
  if (error.reason == "bad-entity-uid")
    error.hint = "write it in single quotes, or the shell takes the double ones away: " + QuotedUid(error.message);
  if (error.reason == "no-credentials") error.hint = "sign in with `remit sign-in`; an actor's job sets REMIT_KEY_FILE and REMIT_CLIENT_ID";
  return error;
}

// An actor's session for its key: client_credentials with a signed assertion (RFC 7523).
Result<Secret> SessionForKey(http::Client& client, const std::string& key_file, const std::string& client_id) {
  REMIT_ASSIGN(jose::NamedSigningKey key, jose::ReadSigningKeyFile(key_file));
  REMIT_ASSIGN(http::ClientResponse metadata, client.Get("/.well-known/oauth-authorization-server"));
  REMIT_ASSIGN(json::Value document, json::Parse(metadata.body));
  const std::string* issuer = document.FindString("issuer");
  if (issuer == nullptr) return Fail(Code::kUnavailable, "not-remit", "what answers there is not a Remit server");
  SystemRng rng;
  SystemClock clock;
  std::string assertion =
      jose::SignClientAssertion(key.key, key.kid, client_id, *issuer, Base64UrlEncode(rng.Take(16)), clock.Wall(), std::chrono::minutes(1));
  http::ClientRequest request;
  request.method = "POST";
  request.path = "/token";
  request.content_type = "application/x-www-form-urlencoded";
  request.body = "grant_type=client_credentials&client_id=" + http::PercentEncode(client_id) +
                 "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=" + assertion;
  REMIT_ASSIGN(http::ClientResponse response, client.Call(request));
  REMIT_ASSIGN(json::Value answer, http::JsonOf(response));
  const std::string* token = answer.FindString("access_token");
  if (token == nullptr) return Fail(Code::kInternal, "bad-response", "the token endpoint gave no token");
  return Secret(*token);
}

Result<std::optional<Secret>> PersonSession() {
  if (std::string given = Env("REMIT_SESSION"); !given.empty()) return std::optional(Secret(given));
  Result<Secret> file = io::ReadSecretFile(SessionFile(), 4096);
  if (!file) {
    if (file.error().reason == "no-such-file") return std::optional<Secret>();
    return std::unexpected(file.error());
  }
  std::string_view text = file->Reveal();
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  return std::optional(Secret(text));
}

constexpr std::string_view kSignInAgain = "the session is over, or another server's: `remit sign-in`; an administrator makes the code";

constexpr std::string_view kUsualSocket = "/run/remit/remit.sock";

// Where the server is, as text; and whether that is nobody's word.
struct Where {
  std::string address;
  bool by_default = false;
};

Where WhereIsIt() {
  for (const std::string& said : {globals().server, Env("REMIT_ADDR")})
    if (!said.empty()) return {said};
  if (const std::string socket = Env("REMIT_SOCKET"); !socket.empty()) return {"unix:" + socket};
  return {fmt::format("unix:{}", kUsualSocket), true};
}

}  // namespace

bool HasServer() {
  const Where where = WhereIsIt();
  return !where.by_default || access(where.address.c_str() + std::string_view("unix:").size(), F_OK) == 0;
}

std::vector<std::string> LocalSockets() {
  std::vector<std::string> sockets = {std::string(kUsualSocket)};
  if (!Env("REMIT_SOCKET").empty()) sockets.push_back(Env("REMIT_SOCKET"));
  for (const std::string& where : {globals().server, Env("REMIT_ADDR")})
    if (where.starts_with("unix:")) sockets.push_back(where.substr(5));
  return sockets;
}

std::string SessionFile() {
  std::string base = Env("XDG_CONFIG_HOME");
  if (base.empty()) base = Env("HOME") + "/.config";
  return base + "/remit/session";
}

Result<Remote> Remote::Open(As as) {
  Remote remote;
  auto [where, by_default] = WhereIsIt();
  remote.default_address_ = by_default;
  remote.address_ = where;
  bool local = where.starts_with("unix:");
  if (local) {
    remote.options_.unix_socket = where.substr(5);
    remote.options_.base_url = "http://localhost";
  } else if (where.starts_with("http://") || where.starts_with("https://")) {
    while (where.ends_with("/")) where.pop_back();
    remote.options_.base_url = where;
  } else {
    return Fail(Code::kInvalidArgument, "bad-server", fmt::format("`{}` is not a server's address", where),
                "write http://HOST:PORT, https://HOST or unix:/PATH");
  }
  remote.options_.ca_file = Env("REMIT_CA_FILE");
  remote.options_.timeout = std::chrono::minutes(3);
  remote.client_ = std::make_shared<http::Client>(remote.options_);
  if (as == As::kAdmin && local && Env("REMIT_SESSION").empty()) {
    // Asked only where there is a choice.
    REMIT_ASSIGN(std::optional<Secret> session, PersonSession());
    if (session && !remote.OperatorSetsUp()) remote.bearer_ = std::move(session);
    remote.when_refused_ = kSignInAgain;
    return remote;
  }
  if (as == As::kAdmin) as = As::kPerson;
  if (as == As::kPeer) {
    if (!local)
      return Fail(Code::kInvalidArgument, "unix-socket-needed", "this is for the operator, on the server's unix socket",
                  "use --server unix:PATH; PATH is `socket` under [listen] in its remit.toml");
    return remote;
  }
  if (as == As::kQuiet) {
    remote.options_.connect_timeout = remote.options_.timeout = std::chrono::seconds(1);
    remote.client_ = std::make_shared<http::Client>(remote.options_);
  }
  if ((as == As::kTask || as == As::kAnybody || as == As::kReader || as == As::kQuiet) && !Env("REMIT_TOKEN").empty()) {
    remote.bearer_ = Secret(Env("REMIT_TOKEN"));
    remote.when_refused_ = "the task of REMIT_TOKEN has ended, or it is another server's";
    return remote;
  }
  remote.when_refused_ = kSignInAgain;
  if (as == As::kReader) {
    REMIT_ASSIGN(remote.bearer_, PersonSession());
    if (remote.bearer_) return remote;
  }
  if (as != As::kPerson && as != As::kQuiet && !Env("REMIT_KEY_FILE").empty()) {
    if (Env("REMIT_CLIENT_ID").empty())
      return Fail(Code::kInvalidArgument, "client-id-missing", "REMIT_KEY_FILE is set and REMIT_CLIENT_ID is not",
                  "set REMIT_CLIENT_ID to the actor's client id");
    Result<Secret> session = SessionForKey(*remote.client_, Env("REMIT_KEY_FILE"), Env("REMIT_CLIENT_ID"));
    if (!session) return std::unexpected(remote.InOurWords(std::move(session.error())));
    remote.bearer_ = *std::move(session);
    return remote;
  }
  if (as == As::kPerson || !local || !Env("REMIT_SESSION").empty()) {  // a session that is given by name is meant
    REMIT_ASSIGN(remote.bearer_, PersonSession());
    if (!remote.bearer_ && as == As::kPerson)
      return Fail(Code::kUnauthenticated, "no-session", "nobody is signed in here",
                  "sign in with `remit sign-in`; an administrator makes the code with `remit person link`");
  }
  return remote;
}

Result<Remote> Remote::With(const Secret& handle) const {
  Remote other = *this;
  other.client_ = std::make_shared<http::Client>(options_);
  other.bearer_ = handle;
  other.when_refused_ = {};
  return other;
}

bool Remote::OperatorSetsUp() {
  const Result<json::Value> who = Get("/v1/whoami");
  return who && Flagged(*who, "set_up");
}

bool Waits(const json::Value& answer) {
  const std::string* approval = answer.FindString("approval");
  if (approval == nullptr) return false;
  if (globals().json) return PrintJson(answer), true;
  PrintLine(*approval);
  PrintMessage(fmt::format("this waits for the yes of somebody else: `remit approve {}`", *approval));
  return true;
}

Error Remote::InOurWords(Error error) const { return cli::InOurWords(std::move(error), address_, default_address_); }

Result<http::ClientResponse> Remote::Call(const std::string& method, const std::string& path, const json::Value* body) {
  http::ClientRequest request;
  request.method = method;
  request.path = path;
  request.bearer = bearer_;
  if (body != nullptr) {
    request.content_type = "application/json";
    request.body = json::Write(*body);
  }
  Result<http::ClientResponse> response = client_->Call(request);
  if (!response) return std::unexpected(InOurWords(std::move(response.error())));
  if (response->ok()) return response;
  Error error = AsTyped(http::ErrorOf(*response));
  if (error.reason == "bad-credentials" && error.hint.empty()) error.hint = when_refused_;
  return std::unexpected(std::move(error));
}

Result<json::Value> Remote::Get(const std::string& path) {
  REMIT_ASSIGN(http::ClientResponse response, Call("GET", path, nullptr));
  return http::JsonOf(response);
}

Result<std::string> Remote::GetText(const std::string& path) {
  REMIT_ASSIGN(http::ClientResponse response, Call("GET", path, nullptr));
  return std::move(response.body);
}

Result<json::Value> Remote::Post(const std::string& path, const json::Value& body) {
  REMIT_ASSIGN(http::ClientResponse response, Call("POST", path, &body));
  return http::JsonOf(response);
}

Result<json::Value> Remote::Put(const std::string& path, const json::Value& body) {
  REMIT_ASSIGN(http::ClientResponse response, Call("PUT", path, &body));
  return http::JsonOf(response);
}

}  // namespace remit::cli
