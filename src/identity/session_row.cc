// See session_row.h.
#include "identity/session_row.h"

#include "task/codec.h"

namespace remit::identity {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

std::string SessionRow::Encode() const {
  std::string out;
  task::Encoder e(out);
  e.Byte(kVersion);
  e.Byte(static_cast<std::uint8_t>(kind));
  e.Text(id);
  e.Uid(owner);
  e.At(began);
  e.At(expires);
  return out;
}

Result<SessionRow> SessionRow::Decode(std::string_view bytes) {
  task::Decoder d(bytes);
  if (d.Byte() != kVersion) d.Refuse();
  const std::uint8_t kind = d.Byte();
  if (kind < 1 || kind > static_cast<std::uint8_t>(Kind::kLink)) d.Refuse();
  SessionRow row;
  row.kind = static_cast<Kind>(kind);
  row.id = d.Text();
  row.owner = d.Uid();
  row.began = d.At();
  row.expires = d.At();
  REMIT_TRY(d.Finish("session"));
  return row;
}

}  // namespace remit::identity
