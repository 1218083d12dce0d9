// The router: from method and path to a handler. Built once, then read by all threads.
//
// A pattern is "/v1/tasks/{id}/complete": fixed segments and {parameters} of one segment each, at its end perhaps {name...}, which takes
// one or more segments, joined by "/" (a segment with an encoded slash does not match it). Where several patterns match a path, at each
// segment the fixed one wins over a parameter, and a parameter over the rest.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "http/message.h"

namespace remit::http {

enum class BodyKind {
  kNone,  // refused if there is one
  kJson,  // application/json
  kForm,  // application/x-www-form-urlencoded
  kAny,   // the handler looks at the content type itself
};

struct RouteOptions {
  // What a body may be. Default: kJson for POST, PUT, PATCH and DELETE, kNone for all others.
  std::optional<BodyKind> body{};
  std::size_t body_bytes = limits::kHttpBodyBytes;
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // `method` in upper case, or "*" for all. The same method and pattern twice, or a malformed pattern, is a programmer error.
  // GET also answers HEAD, without the body.
  void Add(std::string_view method, std::string_view pattern, Handler handler, RouteOptions options = {});

  struct Route {
    std::string method;
    std::string pattern;
    Handler handler;
    BodyKind body = BodyKind::kNone;
    std::size_t body_bytes = 0;
  };

  struct Match {
    const Route* route = nullptr;  // nullptr: none
    std::vector<Parameter> params;
    std::vector<std::string> allow;  // no route, but these methods have one here: 405
  };
  Match Find(std::string_view method, const std::vector<std::string>& segments) const;

  // Finds the route and runs its handler, or answers 404 `not-found` or 405 `method-not-allowed`: for tests of handlers without a socket.
  void Dispatch(std::shared_ptr<Request> request, Respond respond) const;

  // All routes, in the order of Add.
  std::vector<const Route*> routes() const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
  std::vector<std::unique_ptr<Route>> routes_;
};

// The problem documents for no route.
Response NoRoute(const Router::Match& match);

}  // namespace remit::http
