// The scanner: one pass over the bytes, one switch by the first byte of each token.
#include "cedar/language/lexer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cedar/language/escape.h"

namespace remit::cedar {
namespace {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsWordStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

constexpr std::array<bool, 256> kWordParts = [] {
  std::array<bool, 256> parts{};
  for (int c = 0; c < 256; ++c) parts[static_cast<std::size_t>(c)] = IsWordStart(static_cast<char>(c)) || IsDigit(static_cast<char>(c));
  return parts;
}();
bool IsWordPart(char c) { return kWordParts[static_cast<unsigned char>(c)]; }

// White space as Unicode defines it, which is what the reference grammar skips. Returns its length in bytes, 0 for anything else.
std::size_t SpaceLength(std::string_view rest) {
  static constexpr std::array<std::string_view, 19> kWide = {"\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81",
                                                             "\xE2\x80\x82", "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
                                                             "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
                                                             "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80"};
  const char c = rest.front();
  if (c == ' ' || (c >= '\t' && c <= '\r')) return 1;
  if (static_cast<unsigned char>(c) < 0x80) return 0;
  for (std::string_view wide : kWide) {
    if (rest.starts_with(wide)) return wide.size();
  }
  return 0;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // The next token into a new one; an empty text with a kind other than kEnd means that the bytes at `begin` begin none.
  void Next(Token& token) {
    SkipSpaceAndComments();
    token.begin = static_cast<std::uint32_t>(at_);
    token.line = line_;
    token.column = static_cast<std::uint32_t>(at_ - line_start_ + 1);
    if (at_ == text_.size()) return;
    const std::string_view rest = text_.substr(at_);
    const char c = rest.front();
    std::size_t length = 0;
    if (IsWordStart(c)) {
      token.kind = TokenKind::kIdentifier;
      length = Run(rest, 0, IsWordPart);
    } else if (IsDigit(c)) {
      token.kind = TokenKind::kInteger;
      length = Run(rest, 0, IsDigit);
    } else if (c == '"') {
      token.kind = TokenKind::kString;
      length = StringLength(rest);
    } else if (c == '?' && rest.size() > 1 && IsWordStart(rest[1])) {
      token.kind = TokenKind::kSlot;
      length = Run(rest, 1, IsWordPart);
    } else {
      token.kind = TokenKind::kPunctuation;
      length = PunctuationLength(rest);
    }
    token.text = rest.substr(0, length);
    if (token.kind == TokenKind::kString)
      Advance(length);
    else
      at_ += length;  // no other token has a line break in it
  }

 private:
  template <class Predicate>
  static std::size_t Run(std::string_view rest, std::size_t from, Predicate is) {
    while (from < rest.size() && is(rest[from])) ++from;
    return from;
  }

  // With both quotes; 0 where it does not end. A backslash takes the next character with it, but never a line break.
  static std::size_t StringLength(std::string_view rest) {
    for (std::size_t i = 1; i < rest.size(); ++i) {
      if (rest[i] == '"') return i + 1;
      if (rest[i] == '\\' && (++i == rest.size() || rest[i] == '\n')) return 0;
    }
    return 0;
  }

  static std::size_t PunctuationLength(std::string_view rest) {
    const char next = rest.size() > 1 ? rest[1] : '\0';
    switch (const char c = rest.front()) {
      case ':': return next == ':' ? 2 : 1;
      case '=':
      case '!':
      case '<':
      case '>': return next == '=' ? 2 : 1;
      case '|':
      case '&': return next == c ? 2 : 0;
      case '@':
      case '.':
      case ',':
      case ';':
      case '(':
      case ')':
      case '{':
      case '}':
      case '[':
      case ']':
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case '?': return 1;
      default: return 0;
    }
  }

  void SkipSpaceAndComments() {
    while (at_ < text_.size()) {
      if (text_[at_] == ' ') {
        ++at_;
        continue;
      }
      if (text_[at_] > ' ' && text_[at_] < '\x7F' && text_[at_] != '/') return;
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("//")) {
        Advance(std::min(rest.find_first_of("\n\r"), rest.size()));
      } else if (const std::size_t length = SpaceLength(rest); length > 0) {
        Advance(length);
      } else {
        return;
      }
    }
  }

  void Advance(std::size_t length) {
    const std::size_t end = at_ + length;
    for (std::size_t at = at_; (at = text_.substr(0, end).find('\n', at)) != std::string_view::npos; ++at) {
      ++line_;
      line_start_ = at + 1;
    }
    at_ = end;
  }

  std::string_view text_;
  std::size_t at_ = 0, line_start_ = 0;
  std::uint32_t line_ = 1;
};

// About as many bytes of dense source as one token takes, with the space before it.
constexpr std::size_t kBytesOfToken = 3;

// One character, shown safely, of text that begins no token.
std::string FirstCharacter(std::string_view rest) { return EscapeControl(TakeCharacter(rest)); }

}  // namespace

Result<TokenStream> TokenStream::Read(std::string_view text, std::string_view file_name, Span* failure, std::size_t most_bytes) {
  TokenStream stream;
  stream.file_ = std::make_shared<const Place>(std::string(file_name), nullptr);
  if (failure != nullptr) *failure = Span{stream.file_, 0, 0, 1, 1};
  if (text.size() > most_bytes) {
    return Fail(
        Error(Code::kInvalidArgument, "source-too-large", fmt::format("source text has {} bytes, at most {} are allowed", text.size(), most_bytes))
            .At(std::string(file_name)));
  }
  if (!IsUtf8(text)) return Fail(Error(Code::kInvalidArgument, "parse-error", "source text is not utf-8").At(std::string(file_name)));
  Scanner scanner(text);
  stream.tokens_.reserve(text.size() / kBytesOfToken + 1);
  for (;;) {
    Token& token = stream.tokens_.emplace_back();
    scanner.Next(token);
    if (token.kind != TokenKind::kEnd && token.text.empty()) {
      if (failure != nullptr) *failure = stream.SpanOf(token);
      if (token.kind == TokenKind::kString) {
        return stream.FailAt(token, "string literal does not end", "write a closing `\"`; a line break inside must not follow a `\\`");
      }
      return stream.FailAt(token, fmt::format("invalid token `{}`", FirstCharacter(text.substr(token.begin))));
    }
    if (token.kind == TokenKind::kEnd) return stream;
  }
}

std::unexpected<Error> TokenStream::NotFound(std::string_view punctuation) const { return Unexpected(fmt::format("`{}`", punctuation)); }

Result<std::string> TokenStream::Unquote(const Token& token) const {
  REMIT_CHECK(token.kind == TokenKind::kString);
  auto value = Unescape(token.text.substr(1, token.text.size() - 2));
  if (!value) return FailAt(token, value.error().message);
  return value;
}

Span TokenStream::SpanOf(const Token& token) const {
  return {file_, token.begin, token.begin + static_cast<std::uint32_t>(token.text.size()), token.line, token.column};
}

Span TokenStream::SpanFrom(const Token& first) const {
  Span span = SpanOf(first);
  if (next_ > 0) {
    const Token& last = tokens_[next_ - 1];
    span.end = std::max(span.end, last.begin + static_cast<std::uint32_t>(last.text.size()));
  }
  return span;
}

std::unexpected<Error> TokenStream::FailAt(const Token& token, std::string message, std::string hint) const {
  last_failure_ = SpanOf(token);
  return Fail(Error(Code::kInvalidArgument, "parse-error", std::move(message)).At(last_failure_.ToString()).Hint(std::move(hint)));
}

std::unexpected<Error> TokenStream::Unexpected(std::string_view expected) const {
  const Token& token = Peek();
  constexpr std::size_t kShown = 40;
  std::string found = "end of input";
  if (token.kind != TokenKind::kEnd) {
    std::string_view text = token.text.substr(0, kShown);
    if (!IsUtf8(text)) text = token.text.substr(0, 1);
    found = fmt::format("`{}`", EscapeControl(text));
  }
  return FailAt(token, fmt::format("unexpected {}, expected {}", found, expected));
}

bool IsReserved(std::string_view word) {
  static constexpr std::array<std::string_view, 10> kReserved = {"true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"};
  return std::ranges::find(kReserved, word) != kReserved.end();
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && IsWordStart(text.front()) && std::ranges::all_of(text, IsWordPart) && !IsReserved(text);
}

bool IsTypeName(std::string_view text) {
  for (;;) {
    const std::size_t end = text.find("::");
    if (!IsIdentifier(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 2);
  }
}

}  // namespace remit::cedar
