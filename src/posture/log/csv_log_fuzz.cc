// Any bytes as csvlog: read or refused, and the same in whatever pieces they come.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "posture/log/audit_line.h"
#include "posture/log/csv_log.h"

namespace {

std::string Read(std::string_view text, std::size_t step) {
  std::string out;
  remit::posture::CsvLog log([&](remit::posture::LogRecord& record) {
    (void)remit::posture::Classify(record);
    out += std::to_string(record.offset) + record.user + record.message + record.query;
  });
  for (std::size_t at = 0; at < text.size(); at += step)
    if (auto status = log.Feed(text.substr(at, step)); !status) return out + status.error().place;
  return out + (log.Finish() ? "cut" : "whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  REMIT_CHECK(Read(text, 1 << 20) == Read(text, 3));
  return 0;
}
