// A new signing key in the place of one: of access tokens, or of receipts. That of checkpoints stays (docs/decisions/0019).
//
// One commit holds all of it: the new private key over the old one, the old public key, the event, and what a caller who asks again is answered.
// Who asks is told by the commit; before it the old key signs, after it the new one.
//
// INVARIANT: a signature is made with a key that the store has. A token that is signed with a key is planned before the commit that replaces the
// key, so that `published_until` counts it: the store answers commits in their order, and tokens are signed when theirs is answered.
#pragma once

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "broker/administer/admin_call.h"
#include "broker/keys.h"
#include "jose/jwk.h"

namespace remit::broker {

class Core;

class KeyRotation {
 public:
  explicit KeyRotation(Core& core) : core_(core) {}

  // Asks who may, waits for people where the catalog says so (the answer then holds `approval`), and rotates. Reads the store. A key that has leaked
  // is not trusted from here on, before the commit and also where that fails; where one that was rotated before has leaked, it is that one alone, and
  // none is rotated. Errors: those of Broker::RotateKey.
  void Rotate(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer);
  // What people said yes to: the key that they saw goes, or none does. Errors: those of Rotate.
  void RotateApproved(const AdminCall& call, Answer<json::Value> answer);
  // The keys of these names that verify something now.
  jose::JwkSet Trusted(std::initializer_list<std::string_view> names) const;
  json::Value List() const;
  // Forgets keys that verify nothing any more. Gone from memory before the commit; where that fails, the next start does it.
  void Tidy();

 private:
  struct Plan {
    OldKey old;
    std::string next;        // kid
    std::size_t tokens = 0;  // of tasks, signed with the old one
  };
  Status CanRotate(const AdminCall& call, const RotateRequest& request) const;
  Plan MakePlan(const RotateRequest& request) const;
  void Ask(const AdminCall& call, std::uint32_t needed, const RotateRequest& request, Answer<json::Value> answer);
  OldKey* LeakedOld(const RotateRequest& request) const;
  void DistrustOld(const AdminCall& call, const RotateRequest& request, OldKey& old, Answer<json::Value> answer);
  void Distrust(NamedKey& key, std::string_view name, store::Batch& batch);
  void Commit(const AdminCall& call, const RotateRequest& request, Answer<json::Value> answer);
  Result<std::optional<json::Value>> AnsweredBefore(const AdminCall& call, const RotateRequest& request) const;
  NamedKey& Of(std::string_view name) const;
  // Whether the key that goes is not to be trusted: it is said so now, or was when this could not be written down.
  bool Leaked(const RotateRequest& request) const { return request.leaked || Of(request.key).distrusted; }

  Core& core_;
  std::set<std::string> under_way_;  // names of keys whose next is on its way into the store
};

}  // namespace remit::broker
