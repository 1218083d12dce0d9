// What the text of a source says, and what the files of a repository say: nothing that is taken begins an argument of Git's or leaves the repository,
// nothing goes unencrypted over a network, and no secret of a URL is in what the ledger shows.
#include <cstddef>
#include <cstdint>

#include "base/limits.h"
#include "base/result.h"
#include "base/text.h"
#include "cli/sources/source.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace remit;
  using namespace remit::cli;
  const std::string text(reinterpret_cast<const char*>(data), size);

  for (const char* scheme : {"", "https://", "http://127.0.0.1"}) {
    const auto http = ParseHttpSource(scheme + text);
    if (!http) continue;
    REMIT_CHECK(http->base.starts_with("https://") || http->base.starts_with("http://"));
    REMIT_CHECK(http->path.starts_with('/') && IsVisible(http->path));
    REMIT_CHECK(http->from.find_first_of("?@#") == std::string::npos && http->from.size() <= limits::kFactsSourceBytes + 1);
  }
  for (const char* scheme : {"", "git+", "git+file:///srv/facts#", "git+https://git.example/facts#main:"}) {
    const auto git = ParseGitSource(scheme + text);
    if (!git) continue;
    REMIT_CHECK(git->url.starts_with("file:///") || git->url.starts_with("https://"));
    REMIT_CHECK(!git->ref.empty() && git->ref[0] != '-' && git->ref.find_first_of(":^~?*[\\ +") == std::string::npos);
    REMIT_CHECK(("/" + git->path + "/").find("/../") == std::string::npos && !git->path.starts_with('-') && !git->path.starts_with('/'));
    REMIT_CHECK(git->url.size() + git->ref.size() + git->path.size() <= limits::kFactsSourceBytes);
  }
  const std::size_t half = size / 2;
  if (const auto facts = FactsOfFolder({{"a.json", text.substr(0, half)}, {"b.json", text.substr(half)}})) REMIT_CHECK(!facts->entities.empty());
  return 0;
}
