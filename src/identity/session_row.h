// A session or sign-in link as a row of the store (table kSession, key: HandleKey of its handle).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "cedar/value.h"

namespace remit::identity {

struct SessionRow {
  // The numbers are stored.
  enum class Kind : std::uint8_t { kActor = 1, kPerson = 2, kLink = 3 };

  Kind kind = Kind::kActor;
  std::string id;  // ses_…
  cedar::EntityUid owner;
  Time began{}, expires{};

  std::string Encode() const;                                // task/codec.h; first byte is the version of the form
  static Result<SessionRow> Decode(std::string_view bytes);  // errors: `store-corrupt`
  bool operator==(const SessionRow&) const = default;
};

}  // namespace remit::identity
