// The description that the server serves and the routes that it has are the same set.
#include "api/openapi.h"

#include <gtest/gtest.h>

#include <set>

#include "api/test_server.h"
#include "json/read.h"

namespace remit::api {
namespace {

json::Value Document() {
  auto document = json::Parse(OpenApiDocument());
  EXPECT_TRUE(document.has_value()) << document.error().ToString();
  return document.has_value() ? *document : json::Value();
}

// "{path...}" of the router is "{path}" in OpenAPI, which has no form for it.
std::string AsDescribed(std::string pattern) {
  if (const auto dots = pattern.find("...}"); dots != std::string::npos) pattern.erase(dots, 3);
  return pattern;
}

TEST(OpenApiTest, DescribesExactlyTheRoutesThatThereAre) {
  TestServer server;
  std::set<std::string> routed, described;
  for (const http::Router::Route* route : server.router.routes()) routed.insert(route->method + " " + AsDescribed(route->pattern));
  const json::Value document = Document();
  for (const auto& [path, operations] : document.Find("paths")->AsObject()) {
    for (const auto& [method, operation] : operations.AsObject()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      described.insert(upper + " " + path);
    }
  }
  EXPECT_EQ(routed, described);
}

TEST(OpenApiTest, EveryOperationHasAnIdOfItsOwnASummaryAndAnswers) {
  std::set<std::string> ids;
  const json::Value document = Document();
  for (const auto& [path, operations] : document.Find("paths")->AsObject()) {
    for (const auto& [method, operation] : operations.AsObject()) {
      const std::string* id = operation.FindString("operationId");
      ASSERT_NE(id, nullptr) << path;
      EXPECT_TRUE(ids.insert(*id).second) << *id;
      EXPECT_NE(operation.FindString("summary"), nullptr) << *id;
      ASSERT_NE(operation.Find("responses"), nullptr) << *id;
      // Each {parameter} of the path is described.
      std::set<std::string> parameters;
      if (const json::Value* list = operation.Find("parameters")) {
        for (const json::Value& reference : list->AsArray()) {
          const std::string name = reference.FindString("$ref")->substr(std::string_view("#/components/parameters/").size());
          const json::Value& one = *document.Find("components")->Find("parameters")->Find(name);
          if (*one.FindString("in") == "path") parameters.insert("{" + *one.FindString("name") + "}");
        }
      }
      std::set<std::string> in_path;
      for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1))
        in_path.insert(path.substr(at, path.find('}', at) - at + 1));
      EXPECT_EQ(parameters, in_path) << *id;
    }
  }
}

void CheckReferences(const json::Value& value, const json::Value& document) {
  if (value.IsArray()) {
    for (const json::Value& item : value.AsArray()) CheckReferences(item, document);
  } else if (value.IsObject()) {
    for (const auto& [name, member] : value.AsObject()) {
      if (name != "$ref") {
        CheckReferences(member, document);
        continue;
      }
      const std::string& target = member.AsString();
      ASSERT_TRUE(target.starts_with("#/components/")) << target;
      const std::string rest = target.substr(13);
      const json::Value* kind = document.Find("components")->Find(rest.substr(0, rest.find('/')));
      ASSERT_NE(kind, nullptr) << target;
      EXPECT_NE(kind->Find(rest.substr(rest.find('/') + 1)), nullptr) << target;
    }
  }
}

void Collect(const json::Value& value, std::set<std::string>& found) {
  if (value.IsArray()) {
    for (const json::Value& item : value.AsArray()) Collect(item, found);
  } else if (value.IsObject()) {
    if (const std::string* target = value.FindString("$ref")) found.insert(*target);
    for (const auto& [name, member] : value.AsObject()) Collect(member, found);
  }
}

TEST(OpenApiTest, NothingStandsThereThatNobodyRefersTo) {
  const json::Value document = Document();
  std::set<std::string> used, there;
  Collect(document, used);
  for (const char* kind : {"parameters", "responses", "schemas"})
    for (const auto& [name, component] : document.Find("components")->Find(kind)->AsObject()) there.insert("#/components/" + (kind + ("/" + name)));
  EXPECT_EQ(used, there);
}

TEST(OpenApiTest, EveryReferenceLeadsSomewhere) {
  const json::Value document = Document();
  EXPECT_EQ(*document.FindString("openapi"), "3.1.0");
  CheckReferences(document, document);
}

}  // namespace
}  // namespace remit::api
