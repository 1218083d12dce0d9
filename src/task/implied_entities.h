// What is known of entities, and what is known without being told: that a secret lies in the folders of its path, and the groups of
// actions that the schema declares. No store can forget these, and nobody can say otherwise.
#pragma once

#include "cedar/entities.h"
#include "cedar/schema.h"
#include "task/builtin_schema.h"
#include "task/secret_path.h"

namespace remit::task {

// `base` and `schema` must outlive it.
class ImpliedEntities final : public cedar::EntityView {
 public:
  ImpliedEntities(const cedar::EntityView& base, const cedar::Schema& schema) : base_(base), schema_(schema) {}

  const cedar::Entity* Find(const cedar::EntityUid& uid) const override { return base_.Find(uid); }

  bool IsDescendant(const cedar::EntityUid& child, const cedar::EntityUid& ancestor) const override {
    if (ancestor.type == kSecretFolderType) {
      return (child.type == kSecretPathType || child.type == kSecretFolderType) && IsInFolder(child.id, ancestor.id);
    }
    if (child.type == "Action" || child.type.ends_with("::Action")) return child != ancestor && schema_.ActionIn(child, ancestor);
    return base_.IsDescendant(child, ancestor);
  }

  // INVARIANT: lists those of which IsDescendant says yes.
  bool ForEachAncestor(const cedar::EntityUid& uid, cedar::EachUid each) const override {
    if (uid.type == kSecretPathType || uid.type == kSecretFolderType) {
      cedar::EntityUid folder{std::string(kSecretFolderType), ""};
      for (std::size_t slash = uid.id.find('/'); slash != std::string::npos; slash = uid.id.find('/', slash + 1)) {
        folder.id.assign(uid.id, 0, slash);
        each(folder);
      }
    }
    if (uid.type == "Action" || uid.type.ends_with("::Action")) {
      for (const cedar::EntityUid& group : schema_.GroupsOf(uid)) {
        if (group != uid) each(group);
      }
      return true;
    }
    return base_.ForEachAncestor(uid, [&](const cedar::EntityUid& ancestor) {
      if (ancestor.type != kSecretFolderType) each(ancestor);
    });
  }

 private:
  const cedar::EntityView& base_;
  const cedar::Schema& schema_;
};

}  // namespace remit::task
