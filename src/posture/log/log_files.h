// The files of a server's log: found in a folder or named, put in order of time, and read to the end that they had when they were found,
// so that a log that is being written reads the same twice.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "posture/holdings.h"
#include "posture/log/log_record.h"

namespace remit::posture {

struct LogFile {
  enum class Form { kCsv, kJson } form = Form::kCsv;
  std::string path;
  std::uint64_t bytes = 0;  // so many are read
  std::uint64_t records = 0;
  Time first{};            // of its first record
  bool cut_off = false;    // its last record is not whole: it is being written, or the server died
  bool is_broken = false;  // nothing of it may be counted
};

struct LogFiles {
  std::vector<LogFile> files;     // in order of their first records; without those that are broken or empty
  std::vector<Finding> findings;  // `broken-log`, `lost-lines`, `cut-off-log`, `two-forms`, `packed-log`
  std::uint64_t bytes = 0;        // of `files`
  bool complete() const;          // none was broken, and no line lost
};

// Called now and then: bytes read of all, bytes in all.
using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

// `paths` are files (.csv, .json), or folders, of which all such files are taken; where a folder has the same log in both forms, the csvlog
// is. Reads each file once to see whether it is whole, and counts nothing yet. Errors: `no-such-log`, `cannot-read-log`, `no-log` where
// nothing is left.
Result<LogFiles> FindLogs(const std::vector<std::string>& paths, const Progress& progress = {});

// Each record of each file, in order. Errors: `cannot-read-log`, `log-changed` where a file is not what it was when it was found.
Status ReadLogs(const LogFiles& logs, const std::function<void(const LogRecord&, const LogFile&)>& sink, const Progress& progress = {});

}  // namespace remit::posture
