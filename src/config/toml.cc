#include "config/toml.h"

#include <cmath>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/limits.h"

namespace remit::config {
namespace {

Result<json::Value> Convert(const toml::node& node, std::string_view place) {
  if (const toml::table* table = node.as_table()) {
    json::Object object;
    for (const auto& [key, value] : *table) {
      REMIT_ASSIGN(json::Value converted, Convert(value, place));
      object.Append(std::string(key.str()), std::move(converted));
    }
    return json::Value(std::move(object));
  }
  if (const toml::array* items = node.as_array()) {
    json::Array array;
    for (const toml::node& item : *items) {
      REMIT_ASSIGN(json::Value converted, Convert(item, place));
      array.push_back(std::move(converted));
    }
    return json::Value(std::move(array));
  }
  if (const auto* text = node.as_string()) return json::Value(text->get());
  if (const auto* number = node.as_integer()) return json::Value(number->get());
  if (const auto* flag = node.as_boolean()) return json::Value(flag->get());
  if (const auto* number = node.as_floating_point()) {
    if (std::isfinite(number->get())) return json::Value(number->get());
    return Fail(Error(Code::kInvalidArgument, "bad-setting", "not a finite number").At(fmt::format("{}:{}", place, node.source().begin.line)));
  }
  std::ostringstream text;
  if (const auto* date = node.as_date())
    text << date->get();
  else if (const auto* time = node.as_time())
    text << time->get();
  else if (const auto* both = node.as_date_time())
    text << both->get();
  return json::Value(text.str());
}

}  // namespace

Result<json::Value> ParseToml(std::string_view text, std::string_view place) {
  if (text.size() > limits::kConfigBytes)
    return Fail(Code::kInvalidArgument, "config-too-large", fmt::format("`{}` has more than {} bytes", place, limits::kConfigBytes));
  try {
    return Convert(toml::parse(text), place);
  } catch (const toml::parse_error& error) {
    return Fail(Error(Code::kInvalidArgument, "bad-config-syntax", std::string(error.description()))
                    .At(fmt::format("{}:{}:{}", place, error.source().begin.line, error.source().begin.column)));
  }
}

}  // namespace remit::config
