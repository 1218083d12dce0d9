// How records are written into rows: compact, binary, and in exactly one way. Numbers are LEB128 varints in their shortest form (signed
// ones zigzag), texts and lists carry their length in front. There are no field names: a record's first byte is the version of its form.
//
// INVARIANT: what Decode accepts, Encode writes again byte for byte. A row that could be written in two ways is corrupt.
// But for rows of an older form, which are written again in the present one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cedar/value.h"
#include "json/value.h"

namespace remit::task {

class Encoder {
 public:
  // `out` must outlive the encoder; what is written is appended.
  explicit Encoder(std::string& out) : out_(out) {}

  void Byte(std::uint8_t byte) { out_.push_back(static_cast<char>(byte)); }
  void Unsigned(std::uint64_t number);
  void Signed(std::int64_t number);
  void Text(std::string_view text);
  void Raw(ByteView bytes) { out_.append(AsText(bytes)); }
  void Uid(const cedar::EntityUid& uid);
  void At(Time time) { Signed(Micros(time)); }
  void Span(Duration duration) { Signed(duration.count()); }
  void MaybeAt(const std::optional<Time>& time);
  void Json(const json::Value& value);

 private:
  std::string& out_;
};

// Reads what an Encoder wrote. The first error sticks: after it every getter answers an empty value and ok() is false. Never reads
// beyond the bytes, never allocates more than they could hold.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t Byte();
  std::uint64_t Unsigned();
  std::uint32_t Unsigned32();
  std::int64_t Signed();
  std::string Text();
  Hash HashBytes();
  cedar::EntityUid Uid();
  Time At() { return FromMicros(Signed()); }
  Duration Span() { return Duration(Signed()); }
  std::optional<Time> MaybeAt();
  json::Value Json();

  // The number of items of a list, each at least `item_bytes` long.
  std::size_t Count(std::size_t item_bytes = 1);

  void Refuse() { ok_ = false; }
  bool ok() const { return ok_; }

  // Everything was read and nothing was wrong. Errors: `store-corrupt`, naming `what`.
  Status Finish(std::string_view what) const;

 private:
  json::Value JsonAt(std::size_t depth);

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace remit::task
