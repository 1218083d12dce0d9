// Reading plain values by name and type.
#include "config/target_settings.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "base/text.h"

namespace remit::config {
namespace {

struct Unit {
  std::string_view name;
  unsigned shift;
};
constexpr Unit kUnits[] = {{"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}};  // largest first; "B" last, since all end with it

}  // namespace

Result<std::uint64_t> ParseSize(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const std::string_view digits = text.substr(0, text.size() - unit.name.size());
    std::uint64_t number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || number > (std::uint64_t{1} << 62 >> unit.shift)) break;
    return number << unit.shift;
  }
  return Fail(Code::kInvalidArgument, "bad-size", fmt::format("`{}` is not a size", EscapeControl(text)),
              "write a whole number and B, KiB, MiB or GiB, like \"32MiB\"");
}

std::string FormatSize(std::uint64_t bytes) {
  for (const Unit& unit : kUnits)
    if (bytes != 0 && bytes % (std::uint64_t{1} << unit.shift) == 0) return fmt::format("{}{}", bytes >> unit.shift, unit.name);
  return "0B";
}

std::string PathFrom(std::string_view folder, std::string_view path) {
  if (folder.empty() || path.empty() || path.front() == '/') return std::string(path);
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

void SettingsReader::Note(Error error, std::string place) {
  if (!error_) error_ = std::move(error).At(std::move(place));
}

void SettingsReader::Refuse(std::string_view name, std::string message) {
  const auto found = target_.settings.find(std::string(name));
  Note(Error(Code::kInvalidArgument, "bad-setting", fmt::format("setting `{}` of target `{}` {}", name, target_.name, message)),
       found != target_.settings.end() ? found->second.place : target_.place);
}

template <class T>
const T* SettingsReader::Get(std::string_view name, bool required, std::string_view expected) {
  asked_.emplace_back(name);
  const auto found = target_.settings.find(std::string(name));
  if (found == target_.settings.end()) {
    if (required)
      Note(Error(Code::kInvalidArgument, "missing-setting", fmt::format("target `{}` needs `{}`: {}", target_.name, name, expected)), target_.place);
    return nullptr;
  }
  const T* value = std::get_if<T>(&found->second.value);
  if (value == nullptr) Refuse(name, fmt::format("must be {}", expected));
  return value;
}

std::string SettingsReader::RequiredString(std::string_view name) {
  const auto* value = Get<std::string>(name, true, "a string");
  if (value != nullptr && value->empty()) Refuse(name, "must not be empty");
  return value != nullptr ? *value : std::string();
}

std::string SettingsReader::RequiredPath(std::string_view name) { return PathFrom(target_.folder, RequiredString(name)); }

std::vector<std::string> SettingsReader::RequiredStrings(std::string_view name) {
  const auto* value = Get<std::vector<std::string>>(name, true, "an array of strings");
  return value != nullptr ? *value : std::vector<std::string>();
}

std::optional<std::string> SettingsReader::OptionalString(std::string_view name) {
  const auto* value = Get<std::string>(name, false, "a string");
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::string> SettingsReader::OptionalPath(std::string_view name) {
  const auto value = OptionalString(name);
  return value ? std::optional(PathFrom(target_.folder, *value)) : std::nullopt;
}

std::optional<std::int64_t> SettingsReader::OptionalInt(std::string_view name, std::int64_t least, std::int64_t most) {
  const auto* value = Get<std::int64_t>(name, false, "an integer");
  if (value == nullptr) return std::nullopt;
  if (*value >= least && *value <= most) return *value;
  Refuse(name, fmt::format("is {}, and must be from {} to {}", *value, least, most));
  return std::nullopt;
}

std::optional<bool> SettingsReader::OptionalBool(std::string_view name) {
  const auto* value = Get<bool>(name, false, "true or false");
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::vector<std::string>> SettingsReader::OptionalStrings(std::string_view name) {
  const auto* value = Get<std::vector<std::string>>(name, false, "an array of strings");
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<Duration> SettingsReader::OptionalDuration(std::string_view name) {
  const auto* value = Get<std::string>(name, false, "a duration like \"30s\"");
  if (value == nullptr) return std::nullopt;
  const auto duration = ParseDuration(*value);
  if (duration) return *duration;
  Refuse(name, fmt::format("must be a duration like \"30s\": {}", duration.error().message));
  return std::nullopt;
}

Status SettingsReader::Finish() {
  if (error_) return std::unexpected(*error_);
  for (const auto& [name, setting] : target_.settings) {
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    Error error(Code::kInvalidArgument, "unknown-setting",
                fmt::format("target `{}` of type `{}` knows no setting `{}`", target_.name, target_.type, EscapeControl(name)));
    if (const std::string near = Nearest(name, asked_); !near.empty()) error.hint = fmt::format("did you mean `{}`?", near);
    return Fail(std::move(error).At(setting.place));
  }
  return {};
}

}  // namespace remit::config
