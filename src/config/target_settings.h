// The settings of one target: a table of plain values whose names only the target's own room knows. Whoever makes the target reads
// them by name and type; what nobody asked for is refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace remit::config {

struct Setting {
  std::variant<std::string, std::int64_t, bool, std::vector<std::string>> value;
  std::string place;  // file:line:column
  friend bool operator==(const Setting&, const Setting&) = default;
};

// [targets.NAME]
struct TargetSettings {
  std::string name;  // [a-z0-9_-]+, at most 63 letters: the first segment of its resources
  std::string type;  // e.g. "postgres"
  std::map<std::string, Setting> settings;
  std::string place;   // of the table
  std::string folder;  // of the file, for relative paths: "" where it was not read from a file
  friend bool operator==(const TargetSettings&, const TargetSettings&) = default;
};

// Reads one target's settings; the first error sticks, and getters return empty values after it.
//   SettingsReader r(target);
//   options.host = r.RequiredString("host");
//   REMIT_TRY(r.Finish());
// Errors: `missing-setting`, `bad-setting`, `unknown-setting`.
class SettingsReader {
 public:
  explicit SettingsReader(const TargetSettings& target) : target_(target) {}  // `target` must outlive the reader

  std::string RequiredString(std::string_view name);
  std::string RequiredPath(std::string_view name);  // a relative one is taken from the file's folder
  std::vector<std::string> RequiredStrings(std::string_view name);
  std::optional<std::string> OptionalString(std::string_view name);
  std::optional<std::string> OptionalPath(std::string_view name);
  std::optional<std::int64_t> OptionalInt(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<bool> OptionalBool(std::string_view name);
  std::optional<std::vector<std::string>> OptionalStrings(std::string_view name);
  std::optional<Duration> OptionalDuration(std::string_view name);  // "30s", as a string

  // Notes an error of the caller's own about `name`.
  void Refuse(std::string_view name, std::string message);

  bool ok() const { return !error_.has_value(); }
  Status Finish();

 private:
  template <class T>
  const T* Get(std::string_view name, bool required, std::string_view expected);
  void Note(Error error, std::string place);

  const TargetSettings& target_;
  std::vector<std::string> asked_;
  std::optional<Error> error_;
};

// "64KiB", "32MiB", "1GiB", "512B", whole numbers only. Errors: `bad-size`.
Result<std::uint64_t> ParseSize(std::string_view text);
std::string FormatSize(std::uint64_t bytes);  // in the largest unit that gives a whole number

// `path` as seen from `folder`, where it is relative and not empty.
std::string PathFrom(std::string_view folder, std::string_view path);

}  // namespace remit::config
