#include "cli/sources/source.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/sources/git.h"
#include "cli/sources/plain_file.h"
#include "http/client.h"
#include "http/url.h"

namespace remit::cli {
namespace {

std::unexpected<Error> BadSource(std::string why,
                                 std::string hint = "a file, a folder, https://…, git+file:///… or git+https://…: `remit facts sync --help`") {
  return Fail(Code::kInvalidArgument, "bad-source", std::move(why), std::move(hint));
}

// Not one that begins like an option, and none of the words and signs that Git reads as more than a name (gitrevisions(7), refspecs).
bool IsRef(std::string_view ref) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '/' || c == '-';
  };
  return !ref.empty() && ref.size() <= 255 && std::ranges::all_of(ref, plain) && !ref.starts_with('-') && !ref.starts_with('/') &&
         !ref.starts_with('.') && !ref.ends_with('/') && !ref.ends_with('.') && !ref.ends_with(".lock") && ref.find("..") == ref.npos &&
         ref.find("//") == ref.npos && ref.find("/.") == ref.npos && ref.find("/-") == ref.npos;
}

bool IsPathInside(std::string_view path) {
  if (path.size() > 1024 || !IsVisible(path)) return false;
  for (const std::string& segment : Split(std::string(path), '/'))
    if (segment.empty() || segment == "." || segment == ".." || segment.starts_with('-') || segment == ".git") return false;
  return true;
}

// --- files ---------------------------------------------------------------------------------------------------------------------------------

Result<std::vector<NamedText>> ReadFolder(const std::string& folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
  if (!open) return Fail(Code::kNotFound, "no-such-folder", fmt::format("cannot read folder `{}`: {}", EscapeControl(folder), std::strerror(errno)));
  std::vector<std::string> names;
  while (const dirent* entry = readdir(open.get()))
    if (std::string_view(entry->d_name).ends_with(".json") && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  std::ranges::sort(names);
  std::vector<NamedText> files;
  std::size_t bytes = 0;
  for (const std::string& name : names) {
    const std::size_t left = limits::kHttpLargeBodyBytes - std::min(bytes, limits::kHttpLargeBodyBytes);
    REMIT_ASSIGN(std::string text, ReadPlainFile(folder + "/" + name, left, false));
    bytes += text.size();
    files.push_back({name, std::move(text)});
  }
  return files;
}

Result<SourceFacts> ReadPath(const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0)
    return Fail(Code::kNotFound, "no-such-source", fmt::format("cannot read `{}`: {}", EscapeControl(path), std::strerror(errno)));
  Result<SourceFacts> facts = SourceFacts{};
  if (S_ISDIR(found.st_mode)) {
    REMIT_ASSIGN(const std::vector<NamedText> files, ReadFolder(path));
    facts = FactsOfFolder(files);
  } else {
    REMIT_ASSIGN(std::string text, ReadPlainFile(path, limits::kHttpLargeBodyBytes, true));
    facts = FactsOfFile({path, std::move(text)});
  }
  if (!facts) return facts;
  const std::unique_ptr<char, void (*)(void*)> whole(realpath(path.c_str(), nullptr), std::free);
  facts->from = EscapeControl(whole ? whole.get() : path);
  return facts;
}

// --- http ----------------------------------------------------------------------------------------------------------------------------------

Result<SourceFacts> ReadHttp(const std::string& url, const SourceOptions& options) {
  REMIT_ASSIGN(const HttpSource parts, ParseHttpSource(url));
  http::Client client({.base_url = parts.base, .ca_file = options.ca_file});
  http::ClientRequest request{.path = parts.path};
  request.headers = {{"Accept", "application/json"}, {"User-Agent", "remit-facts/1"}};
  REMIT_ASSIGN(const http::ClientResponse answer, client.Call(request));
  if (answer.status >= 300 && answer.status < 400)
    return Fail(Code::kUnavailable, "source-refused",
                fmt::format("`{}` answered {}: it leads elsewhere, and is not followed", parts.from, answer.status),
                "name the address where the facts are");
  if (answer.status != 200) return Fail(Code::kUnavailable, "source-refused", fmt::format("`{}` answered {}", parts.from, answer.status));
  REMIT_ASSIGN(SourceFacts facts, FactsOfFile({parts.from, answer.body}));
  facts.from = parts.from;
  return facts;
}

Result<SourceFacts> ReadGit(const std::string& source, const SourceOptions& options) {
  REMIT_ASSIGN(const GitSource parts, ParseGitSource(source));
  REMIT_ASSIGN(const GitFiles read, FetchFromGit(parts, options.ca_file));
  REMIT_ASSIGN(SourceFacts facts, read.is_folder ? FactsOfFolder(read.files) : FactsOfFile(read.files.front()));
  facts.from = fmt::format("git+{}#{}:{}", parts.url, parts.ref, parts.path);
  facts.commit = read.commit;
  return facts;
}

}  // namespace

Result<HttpSource> ParseHttpSource(std::string_view url) {
  const bool https = url.starts_with("https://"), clear = url.starts_with("http://");
  const std::size_t from = https ? 8 : 7;
  if (!https && !clear) return BadSource("is not one of http(s)");
  if (url.size() > limits::kFactsSourceBytes || !http::IsPlainUrl(url))
    return BadSource("a URL has no user, no fragment, and no characters that are not of a URL");
  const std::size_t end = std::min(url.find_first_of("/?", from), url.size());
  std::string_view authority = url.substr(from, end - from);
  const std::size_t colon = authority.rfind(':');
  const std::string_view host =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos ? authority.substr(0, colon) : authority;
  if (host.empty()) return BadSource("the URL names no host");
  if (clear && !http::IsLoopbackHost(host))
    return BadSource("http is for loopback only: whoever is on the way could write the facts", "write https://…");
  std::string path(url.substr(end));
  if (!path.starts_with('/')) path.insert(0, "/");
  std::string shown = std::string(url.substr(0, end)) + path.substr(0, path.find('?'));
  return HttpSource{std::string(url.substr(0, end)), std::move(path), std::move(shown)};
}

Result<GitSource> ParseGitSource(std::string_view source) {
  std::string_view rest = source;
  if (!rest.starts_with("git+")) return BadSource("a place in a repository begins with git+file:// or git+https://");
  rest.remove_prefix(4);
  GitSource parts{.url = std::string(rest.substr(0, rest.find('#'))), .ref = "HEAD", .path = ""};
  if (parts.url.starts_with("file://")) {
    if (!parts.url.starts_with("file:///") || !IsVisible(parts.url) || parts.url.find_first_of("%?") != std::string::npos || parts.url.size() > 900)
      return BadSource("git+file:// names an absolute path on this machine, without % and ?", "write git+file:///srv/facts#main:facts.json");
  } else if (parts.url.starts_with("https://")) {
    REMIT_TRY(ParseHttpSource(parts.url));
    if (parts.url.find('?') != std::string::npos) return BadSource("the URL of a repository has no query");
  } else {
    return BadSource("Git is asked over file:// and https:// alone");
  }
  if (const std::size_t mark = rest.find('#'); mark != std::string_view::npos) {
    const std::string_view place = rest.substr(mark + 1);
    const std::size_t colon = std::min(place.find(':'), place.size());
    if (colon > 0) parts.ref = place.substr(0, colon);
    if (colon < place.size()) parts.path = place.substr(colon + 1);
    while (parts.path.ends_with('/')) parts.path.pop_back();
  }
  if (!IsRef(parts.ref))
    return BadSource(fmt::format("`{}` is not the name of a branch, a tag or a commit", EscapeControl(parts.ref)), "write #main:facts.json");
  if (!parts.path.empty() && !IsPathInside(parts.path))
    return BadSource(fmt::format("`{}` is not a path inside the repository", EscapeControl(parts.path)), "write #main:facts.json");
  if (parts.url.size() + parts.ref.size() + parts.path.size() + 8 > limits::kFactsSourceBytes) return BadSource("the name of the source is too long");
  return parts;
}

Result<SourceFacts> ReadSource(const std::string& source, const SourceOptions& options) {
  if (source.starts_with("https://") || source.starts_with("http://")) return ReadHttp(source, options);
  if (source.starts_with("git+")) return ReadGit(source, options);
  if (source.find("://") != std::string::npos)
    return BadSource(fmt::format("`{}` is no kind of source that there is", EscapeControl(source.substr(0, 64))));
  return ReadPath(source);
}

}  // namespace remit::cli
