// Tokens for other resource servers: each for one audience, written down as a credential before it is handed out.
#pragma once

#include <string>
#include <string_view>

#include "broker/broker.h"
#include "broker/live/live_credential.h"
#include "broker/live/live_task.h"

namespace remit::broker {

class Core;

// A permission set as authorization details (RFC 9396 §2): what a token carries for its resource server, and what introspection says of it. One that
// is larger than `most_bytes` as JSON goes by reference: the hash under which Broker::ReferredPermissions gives it.
json::Array AuthorizationDetails(const task::TaskRecord& record, const task::PermissionSet& set, std::size_t most_bytes);

class Tokens {
 public:
  explicit Tokens(Core& core) : core_(core) {}

  // For the task itself. One credential for each audience, kind and permission set: asking again renews it, and where the task may more by now it is
  // another one, so that each holds what its tokens say. Known in memory before its commit, so that an end in
  // between ends it too; handed out after. Errors: `wrong-state`, `clock-in-doubt`, `bad-audience`, `too-many-tokens`, `key-not-trusted`,
  // `unknown-task` of a task that ended meanwhile.
  void Issue(LiveTask& live, const TokenRequest& request, Answer<TokenAnswer> answer);

 private:
  Status MayIssue(LiveTask& live, const TokenRequest& request);
  // The one with this permission set, else the newest.
  LiveCredential* Find(const LiveTask& live, std::string_view kind, const std::string& audience, const task::PermissionSet& permissions);
  std::string PutNew(LiveTask& live, task::CredentialRecord draft, Time now, store::Batch& batch);  // its id
  void PutRenewal(const LiveTask& live, LiveCredential& before, Time expires, Time now, store::Batch& batch);

  Core& core_;
};

}  // namespace remit::broker
