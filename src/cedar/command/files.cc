#include "cedar/command/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "json/read.h"

namespace remit::cedar::command {
namespace {

namespace fs = std::filesystem;

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// What to type instead: a neighbour of nearly the same name.
std::string HintFor(const std::string& file, int why) {
  if (why == EISDIR) return "name a file in it";
  if (why == EACCES) return "see who may with `ls -l`";
  if (why != ENOENT) return "";
  const fs::path path(file), folder = path.has_parent_path() ? path.parent_path() : ".";
  std::vector<std::string> names;
  std::error_code failed;
  for (fs::directory_iterator it(folder, failed), end; !failed && it != end; it.increment(failed)) names.push_back(it->path().filename().string());
  const std::string near = Nearest(path.filename().string(), names);
  if (!near.empty()) return fmt::format("did you mean `{}`?", EscapeControl((path.parent_path() / near).string()));
  return path.is_relative() ? "paths start in the folder that you are in" : "";
}

std::unexpected<Error> CannotRead(const std::string& file, int why) {
  return Fail(Code::kNotFound, "cannot-read", fmt::format("cannot read `{}`: {}", EscapeControl(ShownName(file)), std::strerror(why)),
              HintFor(file, why));
}

std::unexpected<Error> CannotWrite(const std::string& file, int why) {
  return Fail(Code::kUnavailable, "cannot-write", fmt::format("cannot write `{}`: {}", EscapeControl(file), std::strerror(why)),
              why == EISDIR ? "name a file in it" : "nothing was changed");
}

// 0, or what went wrong.
int WriteAll(int out, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(out, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

// A file of its own beside `target`, complete and on the disk, then in its place. 0, or what went wrong.
int ReplaceFile(const std::string& target, std::string_view text, const struct stat* old) {
  std::string temporary = target + ".XXXXXX";
  const int out = mkostemp(temporary.data(), O_CLOEXEC);
  if (out < 0) return errno;
  const mode_t mask = umask(0);
  umask(mask);
  if (old != nullptr && fchown(out, old->st_uid, old->st_gid) != 0) errno = 0;  // only root can give a file away
  int failed = fchmod(out, old != nullptr ? old->st_mode & 07777 : 0666 & ~mask) == 0 ? 0 : errno;
  if (failed == 0) failed = WriteAll(out, text);
  if (failed == 0 && fsync(out) != 0) failed = errno;
  if (close(out) != 0 && failed == 0) failed = errno;
  if (failed == 0 && std::rename(temporary.c_str(), target.c_str()) != 0) failed = errno;
  if (failed != 0) unlink(temporary.c_str());
  return failed;
}

Result<fs::file_status> StatusOf(const std::string& file) {
  std::error_code failed;
  const fs::file_status status = fs::status(file, failed);
  if (failed && status.type() != fs::file_type::not_found) return CannotRead(file, failed.value());
  return status;
}

}  // namespace

std::string ShownName(const std::string& file) { return file == "-" ? "<stdin>" : file; }

Error In(const std::string& file, Error error) {
  if (error.place.empty()) error.place = ShownName(file);
  return error;
}

Result<std::string> ReadText(const std::string& file) {
  const bool standard_input = file == "-";
  if (standard_input && std::feof(stdin) != 0) {
    return Fail(Code::kInvalidArgument, "usage", "standard input has been read already", "name a file for all inputs but one");
  }
  std::unique_ptr<std::FILE, Closer> opened(standard_input ? nullptr : std::fopen(file.c_str(), "rb"));
  std::FILE* in = standard_input ? stdin : opened.get();
  if (in == nullptr) return CannotRead(file, errno);
  std::string text;
  char buffer[1 << 16];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, in)) > 0;) text.append(buffer, n);
  if (std::ferror(in) != 0) return CannotRead(file, errno);
  return text;
}

Result<json::Value> ReadJson(const std::string& file) {
  REMIT_ASSIGN(const std::string text, ReadText(file));
  return ParseJson(text, file);
}

Result<json::Value> ParseJson(std::string_view text, const std::string& file) {
  auto value = json::Parse(text, kFileJsonLimits);
  if (!value) {
    const std::string place = value.error().place;
    return Fail(std::move(value.error()).At(place.empty() ? ShownName(file) : ShownName(file) + ":" + place));
  }
  return *std::move(value);
}

Status WriteText(const std::string& file, std::string_view text) {
  if (file == "-") return Fail(Code::kInvalidArgument, "usage", "`-` is no file to write to", "name a file, or ./-");
  struct stat old{};
  const bool there = stat(file.c_str(), &old) == 0;
  if (!there && errno != ENOENT) return CannotWrite(file, errno);
  if (there && S_ISDIR(old.st_mode)) return CannotWrite(file, EISDIR);
  if (there && access(file.c_str(), W_OK) != 0) return CannotWrite(file, errno);
  int failed = 0;
  if (there && !S_ISREG(old.st_mode)) {
    const int out = open(file.c_str(), O_WRONLY | O_CLOEXEC);
    failed = out < 0 ? errno : WriteAll(out, text);
    if (out >= 0 && close(out) != 0 && failed == 0) failed = errno;
  } else {
    std::error_code unresolved;
    const fs::path target = there ? fs::canonical(file, unresolved) : fs::path(file);
    failed = unresolved ? unresolved.value() : ReplaceFile(target.string(), text, there ? &old : nullptr);
  }
  if (failed != 0) return CannotWrite(file, failed);
  return {};
}

Result<bool> Exists(const std::string& file) {
  REMIT_ASSIGN(const fs::file_status status, StatusOf(file));
  return fs::exists(status);
}

Result<bool> IsFolder(const std::string& file) {
  REMIT_ASSIGN(const fs::file_status status, StatusOf(file));
  return fs::is_directory(status);
}

}  // namespace remit::cedar::command
