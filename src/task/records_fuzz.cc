// Rows of the store, damaged in any way: refused, or read as something that is written again byte for byte.
#include "task/catalog.h"
#include "task/credential.h"
#include "task/task.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto record = task::TaskRecord::Decode(bytes)) {
    const std::string again = record->Encode();
    REMIT_CHECK(again == bytes || (bytes[0] == 1 && task::TaskRecord::Decode(again).value() == *record));  // form 1 is written as form 2
  }
  if (const auto record = task::CredentialRecord::Decode(bytes)) REMIT_CHECK(record->Encode() == bytes);
  if (const auto files = task::Catalog::DecodeFiles(bytes)) REMIT_CHECK(task::Catalog::EncodeFiles(*files) == bytes);
  return 0;
}
