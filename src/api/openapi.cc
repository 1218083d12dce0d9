// See openapi.h.
#include "api/openapi.h"

#include <string>

#include <fmt/format.h>

#include "api/openapi_parts.h"

namespace remit::api {

std::string_view OpenApiDocument() {
  static const std::string document =
      fmt::format("{{{},\n\"paths\": {{\n{},\n{},\n{},\n{},\n{}}},\n\"components\": {}}}\n", openapi::Head(), openapi::TaskPaths(),
                  openapi::LifePaths(), openapi::SetupPaths(), openapi::EventPaths(), openapi::StandardPaths(), openapi::Components());
  return document;
}

}  // namespace remit::api
