// The OpenAPI document's beginning: members of the whole.
#include "api/openapi/parts.h"

namespace remit::api::openapi {

std::string_view Head() {
  return R"json("openapi": "3.1.0",
"info": {
  "title": "Remit",
  "version": "1",
  "summary": "Access for one task, for as long as it runs, with proof that it ended",
  "description": "Callers are who their bearer handle says (rmt_ task token, rmh_ holder key, rma_ actor session, rmp_ person session); on the unix socket, without a handle, the peer's uid. Unknown fields and parameters are refused. What does not exist and what the caller may not see look the same: 404."},
"security": [{"handle": []}])json";
}

}  // namespace remit::api::openapi
