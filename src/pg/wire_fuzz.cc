// What a hostile server may send during a login: error responses and SCRAM messages.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pg/connect.h"
#include "pg/scram_client.h"
#include "pg/wire_login.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const remit::pg::LoginAttempt attempt = remit::pg::ParseErrorResponse(text);
  REMIT_CHECK(!attempt.accepted && (attempt.sqlstate.empty() || attempt.sqlstate.size() == 5));
  if (text.size() < 512) (void)remit::pg::ParseRefusal(text);
  remit::pg::ScramClient scram(remit::Secret("password"), "0123456789abcdefghij");
  // Without the count of iterations, which would only cost time.
  if (text.find(",i=") == std::string_view::npos) REMIT_CHECK(!scram.Final(text));
  REMIT_CHECK(!scram.Verify(text));
  return 0;
}
