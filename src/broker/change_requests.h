// Changes of the server that wait for people: asked, answered, and made once enough have said yes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/admin_call.h"
#include "broker/change.h"

namespace remit::broker {

class Core;

class ChangeRequests {
 public:
  explicit ChangeRequests(Core& core) : core_(core) {}

  void Ask(const AdminCall& call, std::uint32_t needed, json::Value content, json::Value shown, store::Batch batch, Answer<std::string> answer);
  void Approve(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer);
  void Deny(const Caller& by, const std::string& id, const std::string& why, Answer<json::Value> answer);
  std::uint32_t StandingYes(const ChangeRequest& change);
  bool MaySee(const Caller& by, const ChangeRequest& change);
  json::Value ChangeJson(const ChangeRequest& change) const;
  void Settle(const AdminCall& call, store::Batch& batch);
  void Unsettle(const AdminCall& call);
  // Ends what waits about somebody who is barred in this batch: a yes to it was to somebody who was not. Their ids.
  std::vector<std::string> EndAbout(const cedar::EntityUid& who, store::Batch& batch);
  std::map<std::string, ChangeRequest> waiting;  // by id

 private:
  void Make(ChangeRequest request, Answer<json::Value> answer);
  void ForgetOld(store::Batch& batch);

  Core& core_;
};

}  // namespace remit::broker
