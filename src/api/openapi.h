// The description of every route (OpenAPI 3.1), as it is served at /openapi.json. A test compares it with the router.
#pragma once

#include <string_view>

namespace remit::api {

std::string_view OpenApiDocument();

}  // namespace remit::api
