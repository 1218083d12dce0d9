#include "posture/log/log_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "io/files.h"
#include "posture/log/csv_log.h"
#include "posture/log/json_log.h"
#include "posture/log/log_time.h"

namespace remit::posture {
namespace {

constexpr std::size_t kBlockBytes = 256u << 10;

std::unexpected<Error> CannotRead(const std::string& path, int error) {
  const Code code = error == ENOENT ? Code::kNotFound : Code::kPermissionDenied;
  return Fail(code, error == ENOENT ? "no-such-log" : "cannot-read-log", fmt::format("cannot read `{}`: {}", path, std::strerror(error)),
              "name a file or folder of the server's log; it belongs to the server's user, so read it as that one, or as root");
}

bool IsFolder(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string Stem(const std::string& path) { return path.substr(0, path.rfind('.')); }

// The files of one folder that are logs, by name.
Status ListFolder(const std::string& folder, std::vector<std::string>& paths, std::vector<Finding>& findings) {
  std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
  if (!open) return CannotRead(folder, errno);
  std::vector<std::string> names;
  std::uint64_t packed = 0;
  while (const dirent* entry = readdir(open.get())) {
    std::string name = entry->d_name;
    if (name.ends_with(".csv") || name.ends_with(".json")) names.push_back(name);
    packed += name.ends_with(".gz") || name.ends_with(".xz") || name.ends_with(".zst") || name.ends_with(".bz2");
  }
  if (packed > 0) findings.push_back({"packed-log", "", "packed logs are not read: unpack them first, or they are missing here", folder, packed});
  std::ranges::sort(names);
  std::set<std::string> csv;
  for (const std::string& name : names)
    if (name.ends_with(".csv")) csv.insert(Stem(name));
  std::uint64_t twice = 0;
  for (const std::string& name : names) {
    if (name.ends_with(".json") && csv.contains(Stem(name))) {
      ++twice;
      continue;
    }
    paths.push_back(folder + (folder.ends_with('/') ? "" : "/") + name);
  }
  if (twice > 0) findings.push_back({"two-forms", "", "the log is there in both forms; the csvlog was read", folder, twice});
  return {};
}

// Calls `feed` with the file's bytes up to `limit`.
Status ReadBytes(const std::string& path, std::uint64_t limit, const std::function<Status(std::string_view)>& feed) {
  io::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return CannotRead(path, errno);
  std::string block(kBlockBytes, '\0');
  for (std::uint64_t done = 0; done < limit;) {
    const ssize_t got = read(fd.get(), block.data(), std::min<std::uint64_t>(block.size(), limit - done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(path, errno);
    if (got == 0) return Fail(Code::kConflict, "log-changed", fmt::format("`{}` became shorter while it was read", path), "ask again");
    done += static_cast<std::uint64_t>(got);
    REMIT_TRY(feed(std::string_view(block).substr(0, static_cast<std::size_t>(got))));
  }
  return {};
}

struct Reading {
  bool cut_off = false;
  std::uint64_t lost = 0, first_lost = 0;
};

Result<Reading> ReadOne(const LogFile& file, const RecordSink& sink, const std::function<void(std::uint64_t)>& advanced) {
  Reading reading;
  CsvLog csv(sink);
  JsonLog json(sink);
  const bool is_csv = file.form == LogFile::Form::kCsv;
  Status read = ReadBytes(file.path, file.bytes, [&](std::string_view bytes) -> Status {
    Status fed;
    if (is_csv) {
      fed = csv.Feed(bytes);
    } else {
      json.Feed(bytes);
    }
    advanced(bytes.size());
    return fed;
  });
  if (!read) return std::unexpected(std::move(read).error());
  reading.cut_off = is_csv ? csv.Finish() : json.Finish();
  reading.lost = is_csv ? 0 : json.lost();
  reading.first_lost = json.first_lost();
  return reading;
}

// Reads it once: its first moment, how many records, whether it is whole.
Status Examine(LogFile& file, LogClock& clock, std::vector<Finding>& findings, const std::function<void(std::uint64_t)>& advanced) {
  std::optional<Time> first;
  Result<Reading> reading = ReadOne(
      file,
      [&](LogRecord& record) {
        ++file.records;
        if (!first) first = clock.At(record);
      },
      advanced);
  if (!reading && reading.error().reason != "broken-log") return std::unexpected(std::move(reading).error());
  file.first = first.value_or(Time{});
  if (!reading) {
    file.is_broken = true;
    findings.push_back(
        {"broken-log", "", reading.error().message + "; nothing of this file is counted", fmt::format("{}:{}", file.path, reading.error().place)});
    return {};
  }
  file.cut_off = reading->cut_off;
  if (reading->lost > 0)
    findings.push_back({"lost-lines", "", "lines that cannot be read", fmt::format("{}:{}", file.path, reading->first_lost), reading->lost});
  if (reading->cut_off) findings.push_back({"cut-off-log", "", "its last line is not whole, and not counted: it is still being written", file.path});
  return {};
}

}  // namespace

bool LogFiles::complete() const {
  return std::ranges::none_of(findings, [](const Finding& one) { return one.reason == "broken-log" || one.reason == "lost-lines"; });
}

Result<LogFiles> FindLogs(const std::vector<std::string>& paths, const Progress& progress) {
  LogFiles logs;
  std::vector<std::string> all;
  for (const std::string& path : paths) {
    if (IsFolder(path)) {
      REMIT_TRY(ListFolder(path, all, logs.findings));
    } else {
      all.push_back(path);
    }
  }
  std::set<std::pair<dev_t, ino_t>> seen;
  std::vector<LogFile> found;
  std::uint64_t total = 0, done = 0;
  for (const std::string& path : all) {
    struct stat status{};
    if (stat(path.c_str(), &status) != 0) return CannotRead(path, errno);
    if (!S_ISREG(status.st_mode)) return CannotRead(path, EINVAL);
    if (!seen.emplace(status.st_dev, status.st_ino).second) continue;
    LogFile file;
    file.form = path.ends_with(".json") ? LogFile::Form::kJson : LogFile::Form::kCsv;
    file.path = path;
    file.bytes = static_cast<std::uint64_t>(status.st_size);
    total += file.bytes;
    found.push_back(std::move(file));
  }
  LogClock clock;
  for (LogFile& file : found) {
    REMIT_TRY(Examine(file, clock, logs.findings, [&](std::uint64_t bytes) {
      done += bytes;
      if (progress) progress(done, total);
    }));
    if (file.is_broken || file.records == 0) continue;
    logs.bytes += file.bytes;
    logs.files.push_back(std::move(file));
  }
  if (logs.files.empty() && logs.complete())
    return Fail(Code::kNotFound, "no-log", fmt::format("no csvlog or jsonlog with a record in `{}`", paths.empty() ? "" : paths.front()),
                "set log_destination = 'csvlog' and logging_collector = on, and name the folder of `log_directory`");
  std::ranges::stable_sort(logs.files, {}, &LogFile::first);
  return logs;
}

Status ReadLogs(const LogFiles& logs, const std::function<void(const LogRecord&, const LogFile&)>& sink, const Progress& progress) {
  std::uint64_t done = 0;
  for (const LogFile& file : logs.files) {
    Result<Reading> read = ReadOne(
        file, [&](LogRecord& record) { sink(record, file); },
        [&](std::uint64_t bytes) {
          done += bytes;
          if (progress) progress(done, logs.bytes);
        });
    if (!read && read.error().reason == "broken-log")
      return Fail(Code::kConflict, "log-changed", fmt::format("`{}` is not what it was when it was found", file.path), "ask again");
    REMIT_TRY(read);
  }
  return {};
}

}  // namespace remit::posture
