// Changes of the server that wait for people: asked, answered, and made once enough have said yes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/administer/admin_call.h"
#include "broker/administer/change.h"

namespace remit::broker {

class Core;

class ChangeRequests {
 public:
  explicit ChangeRequests(Core& core) : core_(core) {}

  // Writes down what waits, with `batch`, and answers the id of its approval. There is a catalog. `content` is what will be done, `shown` the same
  // for people to read. In memory after the commit. Errors: `too-many-changes`.
  void Ask(const AdminCall& call, std::uint32_t needed, json::Value content, json::Value shown, store::Batch batch, Answer<std::string> answer);
  // The same, asked by the same under the same catalog, that waits already; null: none.
  const ChangeRequest* FindSame(const AdminCall& call, const json::Value& content) const;
  // By a person in a recent session. A yes counts after its commit; the last that it takes makes the change, decided once more. Where that fails,
  // the request stays, and who said yes may try again. Errors: `unknown-approval`, `own-request`, `approve-denied`, `request-changed`,
  // `already-approved`, those of the change.
  void Approve(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer);
  // Gone from memory before the commit. Who asked may always take it back. Errors: `unknown-approval`, `deny-denied`.
  void Deny(const Caller& by, const std::string& id, const std::string& why, Answer<json::Value> answer);
  std::uint32_t StandingYes(const ChangeRequest& change);  // how many of those who said yes may still, who asked never among them
  bool MaySee(const Caller& by, const ChangeRequest& change);
  json::Value ChangeJson(const ChangeRequest& change) const;
  // The end of a request that is carried out, in the batch that does it, and never twice. Behind the commit: Settled, or Unsettle where it failed,
  // after which the request waits again, unless who it is about was barred meanwhile.
  void Settle(const AdminCall& call, store::Batch& batch);
  void Settled(const AdminCall& call);
  void Unsettle(const AdminCall& call);
  // Ends what waits about somebody who is barred in this batch: a yes to it was to somebody who was not. Their ids.
  std::vector<std::string> EndAbout(const cedar::EntityUid& who, store::Batch& batch);
  std::map<std::string, ChangeRequest> waiting;  // by id

 private:
  void Make(ChangeRequest request, Answer<json::Value> answer);
  void ForgetOld(store::Batch& batch);
  // What is about somebody and on its way into the store, asked or made: it waits in `waiting` not yet, or not any more, and a bar must find it too.
  struct OnItsWay {
    std::string about;    // uid
    bool barred = false;  // since
  };
  void Leaves(const ChangeRequest& change);
  bool Arrives(const std::string& id);  // whether whom it is about was barred meanwhile
  void EndBarred(const ChangeRequest& change);
  std::map<std::string, OnItsWay> on_their_way_;  // by id

  Core& core_;
};

}  // namespace remit::broker
