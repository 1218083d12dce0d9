// Fuzzes the pure readers: head, framing, target, form, chunks. What is accepted must be free of what the checks promise to keep out.
#include <cstdint>

#include "base/limits.h"
#include "http/parser.h"

using namespace remit::http;

namespace {

void CheckSegments(const std::vector<std::string>& segments) {
  for (const std::string& segment : segments) {
    REMIT_CHECK(!segment.empty() && segment != "." && segment != ".." && segment.find('\0') == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto target = ParseTarget(input)) CheckSegments(target->segments);
  if (const auto form = ParseForm(input)) REMIT_CHECK(form->size() <= remit::limits::kHttpParameterCount);
  REMIT_CHECK(PercentDecode(PercentEncode(input)) == input);

  HeadScanner scanner(remit::limits::kHttpHeaderBytes, remit::limits::kHttpTargetBytes, remit::limits::kHttpHeaderCount);
  if (scanner.Scan(input) != HeadScanner::State::kDone) return 0;
  RequestParser parser;
  Request request;
  const auto framing = parser.Head(input.substr(0, scanner.head_size()), request);
  if (!framing) return 0;
  CheckSegments(request.segments);
  REMIT_CHECK(request.headers.size() <= remit::limits::kHttpHeaderCount);
  REMIT_CHECK(request.HeaderCount("host") <= 1 && !(framing->chunked && request.Find("content-length")));
  constexpr std::size_t kLimit = 4096;
  std::string_view rest = input.substr(scanner.head_size());
  while (framing->has_body() && !rest.empty()) {
    const auto fed = parser.Body(rest, kLimit, request);
    if (!fed || fed->done || fed->used == 0) break;
    rest.remove_prefix(fed->used);
  }
  REMIT_CHECK(request.body.size() <= kLimit);
  return 0;
}
