// The public keys that verify something: a picture that is made anew whenever a key comes, goes or is not trusted any more, so that whoever reads it
// waits for no use case.
//
// INVARIANT: keys of tokens and keys of receipts are never handed out as one set. Whoever verifies tokens is given nothing that a receipt's signature
// fits, and the other way round, also where he looks at no `typ`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "broker/keys.h"
#include "jose/jwk.h"
#include "json/value.h"

namespace remit::broker {

// Never changes once it is made.
class PublishedKeys {
 public:
  PublishedKeys() = default;  // none: nothing is trusted
  explicit PublishedKeys(const Keys& keys);

  // Those of one name, kAccessKey or kReceiptKey, that verify at this time: the one that signs first, then those of before.
  jose::JwkSet Set(std::string_view name, Time now) const;
  json::Value ToJson(std::string_view name, Time now) const;  // the same, as RFC 7517 writes them

 private:
  struct Key {
    std::string name;
    jose::NamedKey key;
    json::Value jwk;
    std::optional<Time> until;
  };
  bool Fits(const Key& key, std::string_view name, Time now) const { return key.name == name && (!key.until || now < *key.until); }

  std::vector<Key> keys_;
};

}  // namespace remit::broker
