// The server as commands see it: where it is, who asks, and answers as values.
//
// Where: --server, else $REMIT_ADDR, else unix:$REMIT_SOCKET, else unix:/run/remit/remit.sock.
// Who:   the first of these that there is, unless the command says otherwise:
//        $REMIT_TOKEN (a task), $REMIT_KEY_FILE with $REMIT_CLIENT_ID (an actor's key), a person's session (~/.config/remit/session),
//        and on the unix socket the process's own uid.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "http/client.h"
#include "json/value.h"

namespace remit::cli {

enum class As {
  kAnybody,  // whoever there is
  kTask,     // $REMIT_TOKEN first
  kStarter,  // an actor's key, a person's session, or the own uid: never a task
  kPerson,   // a person's session
  kReader,   // a task, else a person's session, else whoever there is: for what waits for people
  kPeer,     // the own uid
  kAdmin,    // who administers: the own uid where the server's first set-up is still its work, else a person's session, else the own uid
  kQuiet,    // whoever there is but an actor's key, which would need a session made; waits a second at most
};

class Remote {
 public:
  // Does not connect yet, unless a session must be got with a key. Errors: `no-session`, key file errors, the server's.
  static Result<Remote> Open(As as);

  // For `remit run`: the same server with a handle of its own.
  Result<Remote> With(const Secret& handle) const;

  // The answer's JSON; problem documents become Errors with their reason, place and hint. 204 gives null.
  Result<json::Value> Get(const std::string& path);
  Result<json::Value> Post(const std::string& path, const json::Value& body);
  Result<json::Value> Put(const std::string& path, const json::Value& body);
  Result<std::string> GetText(const std::string& path);

  http::Client& client() { return *client_; }
  Error InOurWords(Error error) const;  // of a call that was made with client() itself
  const std::optional<Secret>& bearer() const { return bearer_; }
  const std::string& address() const { return address_; }  // as people write it

 private:
  bool OperatorSetsUp();
  Result<http::ClientResponse> Call(const std::string& method, const std::string& path, const json::Value* body);

  std::string address_;
  bool default_address_ = false;  // nobody said where
  http::ClientOptions options_;
  std::shared_ptr<http::Client> client_;
  std::optional<Secret> bearer_;
  std::string_view when_refused_;  // what to do where the server does not know the bearer
};

// Whether somebody said where the server is, or something is at the usual place. Does not ask whether it answers.
bool HasServer();

// Whether the answer to a change is that it waits for people. Says so, and how to go on.
bool Waits(const json::Value& answer);

// Unix sockets where a server may be that knows callers by their uid: the one that is named, and the usual one.
std::vector<std::string> LocalSockets();

// "$HOME/.config/remit/session" (or below $XDG_CONFIG_HOME).
std::string SessionFile();

}  // namespace remit::cli
