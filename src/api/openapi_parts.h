// The parts of the OpenAPI document, JSON text each, in files of their own. Edit them there; openapi.cc puts them together.
#pragma once

#include <string_view>

namespace remit::api::openapi {

std::string_view Head();
std::string_view TaskPaths();
std::string_view LifePaths();
std::string_view SetupPaths();
std::string_view EventPaths();
std::string_view StandardPaths();
std::string_view Components();

}  // namespace remit::api::openapi
