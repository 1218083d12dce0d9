#include "http/router.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::http {

// One place in the tree of patterns. What the parameters are called is kept with each route, as two routes may differ in that.
struct Router::Node {
  struct Leaf {
    const Route* route;
    std::vector<std::string> names;
  };
  std::map<std::string, std::unique_ptr<Node>, std::less<>> fixed;
  std::unique_ptr<Node> parameter;
  std::vector<Leaf> here;  // the path ends at this node
  std::vector<Leaf> rest;  // one or more segments follow, all of them bound to the last name

  using Bound = std::vector<std::string>;
  bool Find(std::string_view method, const std::vector<std::string>& segments, std::size_t at, Bound& bound, Match& match) const;
  static bool Take(const std::vector<Leaf>& leaves, std::string_view method, const Bound& bound, Match& match);
};

namespace {

std::optional<std::string> RestOf(const std::vector<std::string>& segments, std::size_t at) {
  std::string joined;
  for (std::size_t i = at; i < segments.size(); ++i) {
    if (segments[i].find('/') != std::string::npos) return std::nullopt;  // it would look like two segments
    joined += (i > at ? "/" : "") + segments[i];
  }
  return joined;
}

bool TakesJsonByDefault(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE"; }

}  // namespace

bool Router::Node::Take(const std::vector<Leaf>& leaves, std::string_view method, const Bound& bound, Match& match) {
  for (const Leaf& leaf : leaves) {
    if (leaf.route->method != method && leaf.route->method != "*") {
      match.allow.push_back(leaf.route->method);
      continue;
    }
    match.route = leaf.route;
    for (std::size_t i = 0; i < leaf.names.size(); ++i) match.params.push_back({leaf.names[i], bound[i]});
    return true;
  }
  return false;
}

bool Router::Node::Find(std::string_view method, const std::vector<std::string>& segments, std::size_t at, Bound& bound, Match& match) const {
  if (at == segments.size()) return Take(here, method, bound, match);
  if (const auto next = fixed.find(segments[at]); next != fixed.end() && next->second->Find(method, segments, at + 1, bound, match)) return true;
  if (parameter) {
    bound.push_back(segments[at]);
    if (parameter->Find(method, segments, at + 1, bound, match)) return true;
    bound.pop_back();
  }
  if (rest.empty()) return false;
  auto joined = RestOf(segments, at);
  if (!joined) return false;
  bound.push_back(std::move(*joined));
  if (Take(rest, method, bound, match)) return true;
  bound.pop_back();
  return false;
}

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::Add(std::string_view method, std::string_view pattern, Handler handler, RouteOptions options) {
  REMIT_CHECK(pattern.starts_with('/'));
  routes_.push_back(std::make_unique<Route>());
  Route& route = *routes_.back();
  route.method = method;
  route.pattern = pattern;
  route.handler = std::move(handler);
  route.body = options.body.value_or(TakesJsonByDefault(method) ? BodyKind::kJson : BodyKind::kNone);
  route.body_bytes = options.body_bytes;

  Node* node = root_.get();
  Node::Leaf leaf{&route, {}};
  bool rest = false;
  for (const std::string& segment : pattern == "/" ? std::vector<std::string>{} : Split(pattern.substr(1), '/')) {
    REMIT_CHECK(!segment.empty() && !rest);
    if (!segment.starts_with('{')) {
      auto& next = node->fixed[segment];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
      continue;
    }
    REMIT_CHECK(segment.ends_with('}') && segment.size() > 2);
    rest = segment.ends_with("...}");
    leaf.names.push_back(segment.substr(1, segment.size() - (rest ? 5 : 2)));
    if (rest) continue;
    if (!node->parameter) node->parameter = std::make_unique<Node>();
    node = node->parameter.get();
  }
  auto& leaves = rest ? node->rest : node->here;
  for (const Node::Leaf& other : leaves) REMIT_CHECK(other.route->method != method);
  leaves.push_back(std::move(leaf));
}

Router::Match Router::Find(std::string_view method, const std::vector<std::string>& segments) const {
  Match match;
  Node::Bound bound;
  root_->Find(method == "HEAD" ? "GET" : method, segments, 0, bound, match);
  if (match.route) match.allow.clear();
  std::ranges::sort(match.allow);
  match.allow.erase(std::unique(match.allow.begin(), match.allow.end()), match.allow.end());
  return match;
}

void Router::Dispatch(std::shared_ptr<Request> request, Respond respond) const {
  Match match = Find(request->method, request->segments);
  if (!match.route) return respond(NoRoute(match));
  request->params = std::move(match.params);
  match.route->handler(*request, [request, respond = std::move(respond)](Response response) { respond(std::move(response)); });
}

std::vector<const Router::Route*> Router::routes() const {
  std::vector<const Route*> all;
  for (const auto& route : routes_) all.push_back(route.get());
  return all;
}

Response NoRoute(const Router::Match& match) {
  if (match.allow.empty()) return Problem(Error(Code::kNotFound, "not-found", "there is nothing here"));
  Response response = Problem(405, Error(Code::kInvalidArgument, "method-not-allowed", "this method is not allowed here"));
  response.headers.push_back({"Allow", Join(match.allow, ", ")});
  return response;
}

}  // namespace remit::http
