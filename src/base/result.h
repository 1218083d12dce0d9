// Errors are values. A function that can fail returns Result<T>; exceptions of libraries stop at the adapter that called them.
//
// An Error says which kind of failure it is (Code, few, for programs that branch), which failure exactly (reason, a stable slug that
// becomes the `type` of a problem document and the `code` of --json output), what happened, where, and what to do next.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace remit {

// The kinds of failure. Each maps to one exit code of the command line and one HTTP status (see docs/reference/errors.md).
enum class Code {
  kInvalidArgument,     // the caller's input is wrong; asking again in the same way cannot help
  kUnauthenticated,     // nobody knows who is calling
  kPermissionDenied,    // known, and refused
  kNotFound,            // there is no such thing, or the caller may not know of it
  kAlreadyExists,       // it is there already, or the same name is taken
  kFailedPrecondition,  // right in itself, but not in the present state
  kConflict,            // somebody else changed it first; read again and retry
  kResourceExhausted,   // a limit, a budget or the disk is used up
  kUnavailable,         // the other side does not answer now; the same call may succeed later
  kDeadlineExceeded,    // it took longer than the caller allowed
  kUnsupported,         // understood, and known not to be implemented or not expressible
  kCorrupt,             // stored data contradicts itself
  kInternal,            // a bug or a failure of the machine
};

// The code's name in kebab case, e.g. "invalid-argument".
std::string_view CodeName(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string reason;   // stable slug in kebab case, e.g. "unknown-parameter"
  std::string message;  // lower case, values in backticks, no full stop, never a secret
  std::string place;    // file:line:column or the like, may be empty
  std::string hint;     // what to do next, may be empty

  Error() = default;
  Error(Code c, std::string_view r, std::string m) : code(c), reason(r), message(std::move(m)) {}

  Error&& At(std::string p) && {
    place = std::move(p);
    return std::move(*this);
  }
  Error&& Hint(std::string h) && {
    hint = std::move(h);
    return std::move(*this);
  }

  // Puts "what: " in front of the message, e.g. "cannot load catalog `x`: …".
  Error&& Within(std::string_view what) && {
    message = std::string(what) + ": " + message;
    return std::move(*this);
  }

  // "place: message" and, on a second line, "hint: …" where there is one.
  std::string ToString() const;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// Return Fail(Code::kNotFound, "unknown-task", fmt::format("no task `{}`", id));
inline std::unexpected<Error> Fail(Code code, std::string_view reason, std::string message, std::string hint = {}) {
  Error error(code, reason, std::move(message));
  error.hint = std::move(hint);
  return std::unexpected(std::move(error));
}
inline std::unexpected<Error> Fail(Error error) { return std::unexpected(std::move(error)); }

// Ends the process, in every build: for broken invariants, never for input.
[[noreturn]] void Panic(std::string_view what, const char* file, int line);

}  // namespace remit

#define REMIT_CONCAT_INNER(a, b) a##b
#define REMIT_CONCAT(a, b) REMIT_CONCAT_INNER(a, b)

// REMIT_TRY(expr): returns the error of a Status or Result, else goes on.
#define REMIT_TRY(expr)                                                                                                 \
  do {                                                                                                                  \
    if (auto remit_status = (expr); !remit_status.has_value()) return std::unexpected(std::move(remit_status).error()); \
  } while (false)

// REMIT_ASSIGN(auto x, expr): returns the error, else binds the value.
#define REMIT_ASSIGN(decl, expr) REMIT_ASSIGN_INNER(REMIT_CONCAT(remit_result_, __LINE__), decl, expr)
#define REMIT_ASSIGN_INNER(tmp, decl, expr)                             \
  auto tmp = (expr);                                                    \
  if (!tmp.has_value()) return std::unexpected(std::move(tmp).error()); \
  decl = std::move(tmp).value()

// REMIT_CHECK(condition): an invariant that holds unless the program is wrong.
#define REMIT_CHECK(condition) ((condition) ? static_cast<void>(0) : ::remit::Panic("check failed: " #condition, __FILE__, __LINE__))
