// What is implied is listed as it is affirmed: the two ways to ask the view must not part.
#include "task/implied_entities.h"

#include <gtest/gtest.h>

#include <set>

namespace remit::task {
namespace {

using cedar::EntityUid;

TEST(ImpliedEntitiesTest, ListsTheAncestorsThatItAffirms) {
  const cedar::Schema schema =
      *cedar::Schema::Parse({{"s", "action top; action all in top; action read in all; namespace N { action went; action go in went; }"}});
  const EntityUid read{"Action", "read"}, all{"Action", "all"}, top{"Action", "top"}, go{"N::Action", "go"}, went{"N::Action", "went"};
  const auto path = [](const char* id) { return EntityUid{std::string(kSecretPathType), id}; };
  const auto folder = [](const char* id) { return EntityUid{std::string(kSecretFolderType), id}; };
  const EntityUid user{"User", "a"}, group{"Group", "g"}, upper{"Group", "h"};
  // A store that says what nobody may say: that an action is in no group but another, and that entities lie in folders.
  const cedar::Entities base = *cedar::Entities::Build({{user, {}, {}, {group, folder("prod")}},
                                                        {group, {}, {}, {upper}},
                                                        {read, {}, {}, {group}},
                                                        {path("prod/db/password"), {}, {}, {group, folder("elsewhere")}}});
  cedar::OverlayEntities on_top(base);
  on_top.Add(std::make_shared<cedar::Entity>(cedar::Entity{path("prod/x"), {}, {}, {folder("other"), upper}}));
  const ImpliedEntities view(on_top, schema);
  const std::vector<EntityUid> every{read,
                                     all,
                                     top,
                                     go,
                                     went,
                                     user,
                                     group,
                                     upper,
                                     path("prod/db/password"),
                                     path("prod/x"),
                                     path("/odd//path/"),
                                     path(""),
                                     folder(""),
                                     folder("/"),
                                     folder("prod"),
                                     folder("prod/db"),
                                     folder("/odd"),
                                     folder("/odd/"),
                                     folder("/odd//path"),
                                     folder("elsewhere"),
                                     folder("other"),
                                     path("prod"),
                                     EntityUid{"Action", "gone"}};
  for (const EntityUid& uid : every) {
    std::set<EntityUid> affirmed, listed;
    for (const EntityUid& other : every) {
      if (view.IsDescendant(uid, other)) affirmed.insert(other);
    }
    EXPECT_TRUE(view.ForEachAncestor(uid, [&](const EntityUid& ancestor) { listed.insert(ancestor); }));
    EXPECT_EQ(listed, affirmed) << uid.ToString();
  }
  EXPECT_TRUE(view.IsDescendant(path("prod/db/password"), folder("prod")));
  EXPECT_TRUE(view.IsDescendant(read, top));
  EXPECT_FALSE(view.IsDescendant(user, folder("prod")));
}

}  // namespace
}  // namespace remit::task
