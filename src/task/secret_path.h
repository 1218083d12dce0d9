// Paths of secrets: names and a hierarchy in one. `prod/db/password` lies in the folders `prod/db` and `prod`, without anyone saying so.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "cedar/entities.h"

namespace remit::task {

// Segments of [a-z0-9._-]+ between single slashes, none empty, `.` or `..`; limits::kSecretPathBytes, kSecretPathSegments.
// Also for folders. Errors: `bad-secret-path`.
Status CheckSecretPath(std::string_view path);

// Secret::Folder of every folder that a path (or a folder) lies in, the nearest first.
std::vector<cedar::EntityUid> SecretParents(std::string_view path);

// What is known of entities, with the hierarchy that is in the names of secrets. `base` must outlive it.
class ImpliedEntities final : public cedar::EntityView {
 public:
  explicit ImpliedEntities(const cedar::EntityView& base) : base_(base) {}
  const cedar::Entity* Find(const cedar::EntityUid& uid) const override { return base_.Find(uid); }
  bool IsDescendant(const cedar::EntityUid& child, const cedar::EntityUid& ancestor) const override;

 private:
  const cedar::EntityView& base_;
};

}  // namespace remit::task
