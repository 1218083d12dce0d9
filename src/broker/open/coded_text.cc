#include "broker/open/coded_text.h"

#include "base/bytes.h"
#include "crypto/hash.h"

namespace remit::broker {
namespace {

std::string CodeLine(std::string_view body, std::string_view purpose, const crypto::MasterKey& master) {
  const crypto::SymmetricKey key = master.Derive(purpose);
  return "code " + HexEncode(crypto::HmacSha256(key.Reveal(), AsBytes(body))) + "\n";
}

}  // namespace

std::string WithCode(std::string body, std::string_view purpose, const crypto::MasterKey& master) { return body + CodeLine(body, purpose, master); }

std::optional<std::string_view> WithoutCode(std::string_view text, std::string_view purpose, const crypto::MasterKey& master) {
  const std::size_t code = text.rfind("\ncode ");
  if (code == std::string_view::npos) return std::nullopt;
  const std::string_view body = text.substr(0, code + 1);
  if (!ConstantTimeEquals(AsBytes(text.substr(code + 1)), AsBytes(CodeLine(body, purpose, master)))) return std::nullopt;
  return body;
}

}  // namespace remit::broker
