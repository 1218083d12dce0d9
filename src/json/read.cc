// The strict reader: Boost.JSON's push parser with a handler that refuses what is ambiguous.
//
// The parser gives strings and numbers in pieces; the handler joins them. Numbers are converted here from their digits, since
// Boost.JSON 1.81 turns integers beyond 64 bits into floating point and rounds doubles only nearly right.
#include "json/read.h"

#include <charconv>
#include <cmath>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "json/write.h"

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#endif
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/src.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace remit::json {
namespace {

using boost::json::error_code;
using boost::json::string_view;

// An object or array that is being read. It stays where it is: only the innermost grows.
struct Frame {
  explicit Frame(Value& empty) : array(empty.IsArray() ? &empty.AsArray() : nullptr), object(empty.IsObject() ? &empty.AsObject() : nullptr) {}

  Array* array;
  Object* object;                                          // one of the two
  std::string name;                                        // of the member whose value comes next
  std::unique_ptr<std::unordered_set<std::string>> names;  // of the members so far, once there are many
};

constexpr std::size_t kLinearSearch = 16;  // members up to which looking at each is faster than a table

// Builds the value from the parser's events. Whatever it refuses it says in `refusal`, and stops the parser.
struct Builder {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  std::vector<Frame> open;
  Value root;
  std::string text;     // pieces of the string, key or number that is being read
  std::string refusal;  // why the handler stopped the parser

  bool Refuse(std::string why, error_code& ec) {
    refusal = std::move(why);
    ec = boost::json::error::syntax;
    return false;
  }

  Value& Add(Value&& value) {
    if (open.empty()) return root = std::move(value);
    Frame& top = open.back();
    if (top.array != nullptr) return top.array->emplace_back(std::move(value));
    top.object->Append(std::move(top.name), std::move(value));
    return std::prev(top.object->end())->value;
  }

  bool Put(Value&& value) {
    Add(std::move(value));
    return true;
  }

  bool Open(Value&& empty) {
    if (open.empty()) open.reserve(8);  // under 1 KiB, which the allocator keeps at hand
    Value& place = Add(std::move(empty));
    open.emplace_back(place);
    return true;
  }

  bool Close() {
    open.pop_back();
    return true;
  }

  std::string Joined(string_view last) {
    if (text.empty()) return std::string(last.data(), last.size());
    text.append(last.data(), last.size());
    return std::exchange(text, {});
  }

  bool Piece(string_view piece) {
    text.append(piece.data(), piece.size());
    return true;
  }

  // Whether the open object has that member already.
  bool Known(Frame& frame, const std::string& name) {
    const Object& object = *frame.object;
    if (object.size() < kLinearSearch) return object.Contains(name);
    if (frame.names == nullptr) {
      frame.names = std::make_unique<std::unordered_set<std::string>>();
      for (const Member& member : object) frame.names->insert(member.name);
    }
    return !frame.names->insert(name).second;
  }

  bool Number(string_view last, error_code& ec) {
    const std::string digits = Joined(last);
    const char* const end = digits.data() + digits.size();
    const bool integer = digits.find_first_of(".eE") == std::string::npos;
    if (std::int64_t i = 0; integer && std::from_chars(digits.data(), end, i).ec == std::errc()) return Put(i);
    double d = 0;
    const auto read = std::from_chars(digits.data(), end, d);
    // Out of range is also what is too small: that is zero, or so near that a double knows no difference.
    if (read.ec == std::errc::result_out_of_range) d = std::strtod(digits.c_str(), nullptr);
    if (!std::isfinite(d)) return Refuse(fmt::format("number `{}` is too large", digits.substr(0, 40)), ec);
    if (integer && EcmaNumber(d) != digits) return Refuse(fmt::format("integer `{}` does not fit into 64 bits", digits.substr(0, 40)), ec);
    return Put(d);
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) { return Open(Object()); }
  bool on_object_end(std::size_t, error_code&) { return Close(); }
  bool on_array_begin(error_code&) { return Open(Array()); }
  bool on_array_end(std::size_t, error_code&) { return Close(); }
  bool on_key_part(string_view piece, std::size_t, error_code&) { return Piece(piece); }
  bool on_key(string_view last, std::size_t, error_code& ec) {
    std::string name = Joined(last);
    if (Known(open.back(), name)) return Refuse(fmt::format("member `{}` stands twice in one object", EscapeControl(name)), ec);
    open.back().name = std::move(name);
    return true;
  }
  bool on_string_part(string_view piece, std::size_t, error_code&) { return Piece(piece); }
  bool on_string(string_view last, std::size_t, error_code&) { return Put(Joined(last)); }
  bool on_number_part(string_view piece, error_code&) { return Piece(piece); }
  bool on_int64(std::int64_t, string_view last, error_code& ec) { return Number(last, ec); }
  bool on_uint64(std::uint64_t, string_view last, error_code& ec) { return Number(last, ec); }
  bool on_double(double, string_view last, error_code& ec) { return Number(last, ec); }
  bool on_bool(bool b, error_code&) { return Put(b); }
  bool on_null(error_code&) { return Put(nullptr); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

std::string Place(std::string_view text, std::size_t offset) {
  std::size_t line = 1, column = 1;
  for (const char c : text.substr(0, offset)) {
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n' ? 1 : 0;
  }
  return fmt::format("{}:{}", line, column);
}

// The grammar's refusals in our words.
std::string Reason(const error_code& ec, std::size_t depth) {
  using boost::json::error;
  if (ec == error::incomplete) return "the text ends before the value does";
  if (ec == error::extra_data) return "text after the value";
  if (ec == error::too_deep) return fmt::format("nested deeper than {} levels", depth);
  if (ec == error::exponent_overflow) return "number is too large";
  if (ec == error::expected_utf16_escape || ec == error::illegal_leading_surrogate || ec == error::illegal_trailing_surrogate)
    return "lone surrogate in a string";
  return "not JSON here";
}

}  // namespace

Result<Value> Parse(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes)
    return Fail(Code::kResourceExhausted, "json-too-large", fmt::format("the JSON text has {} bytes, more than {}", text.size(), limits.bytes));
  const auto bad = [&](std::size_t offset, std::string why) {
    return Fail(Error(Code::kInvalidArgument, "bad-json", std::move(why)).At(Place(text, offset)));
  };
  if (Trim(text).empty()) return bad(text.size(), "the text is empty");
  boost::json::parse_options options;
  options.max_depth = limits.depth;
  boost::json::basic_parser<Builder> parser(options);
  error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  if (ec) {
    const std::string& refusal = parser.handler().refusal;
    if (refusal.empty() && !IsUtf8(text.substr(0, std::min(text.size(), used + 4))) && !IsUtf8(text)) return bad(used, "the text is not UTF-8");
    return bad(used, refusal.empty() ? Reason(ec, limits.depth) : refusal);
  }
  if (!Trim(text.substr(used)).empty()) return bad(used, "text after the value");
  return std::move(parser.handler().root);
}

}  // namespace remit::json
