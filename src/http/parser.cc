#include "http/parser.h"

#include <optional>

#include <fmt/format.h>
#include <boost/beast/http/basic_parser.hpp>

#include "base/limits.h"

namespace remit::http {
namespace {

namespace beast = boost::beast;

// A chunk's size line that is not complete after so many bytes is none.
constexpr std::size_t kChunkLineBytes = 64;

std::unexpected<Refusal> Refuse(int status, std::string_view reason, std::string message) {
  return std::unexpected(Refusal{status, Error(Code::kInvalidArgument, reason, std::move(message))});
}

// Puts what Beast finds straight into a Request.
class Parser final : public beast::http::basic_parser<true> {
 public:
  explicit Parser(Request& request) : request_(&request) {
    header_limit(static_cast<std::uint32_t>(limits::kHttpHeaderBytes * 4));  // HeadScanner has the real limit
    body_limit(boost::none);                                                 // so has on_body_impl
    eager(true);
  }

  void Continue(Request& request, std::size_t limit) { request_ = &request, limit_ = limit; }
  int version = 0;
  bool too_large = false;

 private:
  using ErrorCode = beast::error_code;
  using View = beast::string_view;

  static void Set(ErrorCode& error) { error = beast::http::make_error_code(beast::http::error::bad_value); }

  void on_request_impl(beast::http::verb, View method, View target, int http_version, ErrorCode& error) override {
    error = {};
    request_->method.assign(method.data(), method.size());
    request_->target.assign(target.data(), target.size());
    version = http_version;
  }

  void on_field_impl(beast::http::field, View name, View value, ErrorCode& error) override {
    error = {};
    if (in_body_) return Set(error);  // a trailer
    request_->headers.push_back({std::string(name.data(), name.size()), std::string(value.data(), value.size())});
  }

  void on_header_impl(ErrorCode& error) override { error = {}, in_body_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, ErrorCode& error) override { error = {}; }

  std::size_t on_body_impl(View body, ErrorCode& error) override {
    error = {};
    if (body.size() > limit_ - request_->body.size()) {
      too_large = true;
      Set(error);
      return 0;
    }
    request_->body.append(body.data(), body.size());
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t size, View extensions, ErrorCode& error) override {
    error = {};
    if (!extensions.empty()) return Set(error);
    if (size > limit_ - request_->body.size()) too_large = true, Set(error);
  }

  std::size_t on_chunk_body_impl(std::uint64_t, View body, ErrorCode& error) override { return on_body_impl(body, error); }
  void on_finish_impl(ErrorCode& error) override { error = {}; }

  // Of responses; a parser of requests never calls it.
  void on_response_impl(int, View, int, ErrorCode& error) override { error = {}; }

  Request* request_;
  std::size_t limit_ = 0;
  bool in_body_ = false;
};

}  // namespace

struct RequestParser::Impl {
  std::optional<Parser> parser;
};

RequestParser::RequestParser() : impl_(std::make_unique<Impl>()) {}
RequestParser::~RequestParser() = default;

std::expected<Framing, Refusal> RequestParser::Head(std::string_view head, Request& request) {
  Parser& parser = impl_->parser.emplace(request);
  request.headers.reserve(8);
  beast::error_code error;
  const std::size_t used = parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error == beast::http::error::need_more) error = {};
  if (error == beast::http::error::bad_version) return Refuse(505, "bad-version", "only HTTP/1.1 and HTTP/1.0 are spoken here");
  if (error || used != head.size() || !parser.is_header_done()) {
    return Refuse(400, "bad-request", fmt::format("the head of the request is malformed: {}", error ? error.message() : "it ends too early"));
  }
  if (parser.version != 10 && parser.version != 11) return Refuse(505, "bad-version", "only HTTP/1.1 and HTTP/1.0 are spoken here");
  auto framing = CheckFraming(request.headers, parser.version);
  if (!framing) return framing;
  // INVARIANT: two readers of the same head agree on where the body ends.
  if (framing->chunked != parser.chunked() || framing->length != parser.content_length().value_or(0) || framing->has_body() == parser.is_done()) {
    return Refuse(400, "bad-framing", "the length of the body can be read in two ways");
  }
  if (request.target.size() > limits::kHttpTargetBytes) {
    return Refuse(414, "target-too-long", fmt::format("a target of more than {} bytes", limits::kHttpTargetBytes));
  }
  auto target = ParseTarget(request.target);
  if (!target) return std::unexpected(Refusal{400, std::move(target).error()});
  request.segments = std::move(target->segments);
  request.query = std::move(target->query);
  return framing;
}

std::expected<RequestParser::Fed, Refusal> RequestParser::Body(std::string_view input, std::size_t limit, Request& request) {
  Parser& parser = *impl_->parser;
  parser.Continue(request, limit);
  Fed fed;
  if (input.empty()) return fed;
  beast::error_code error;
  fed.used = parser.put(boost::asio::const_buffer(input.data(), input.size()), error);
  fed.done = parser.is_done();
  const bool unfinished = error == beast::http::error::need_more;
  if (parser.too_large) return Refuse(413, "body-too-large", fmt::format("a body of more than {} bytes", limit));
  if ((error && !unfinished) || (unfinished && input.size() - fed.used > kChunkLineBytes)) {
    return Refuse(400, "bad-body", "the chunks of the body are malformed, or have extensions or trailers, which are not supported");
  }
  return fed;
}

}  // namespace remit::http
