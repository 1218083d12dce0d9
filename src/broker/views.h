// Records as people and programs see them (docs/reference/http-api.md): times as RFC 3339, uids as text, no secret and no hash of one.
#pragma once

#include <vector>

#include "broker/answers.h"
#include "json/value.h"
#include "task/credential.h"
#include "task/task.h"

namespace remit::broker {

json::Object TaskJson(const task::TaskRecord& record);
json::Object CredentialJson(const task::CredentialRecord& record);
json::Array CredentialsJson(const std::vector<task::CredentialRecord>& records);

// Also the registry's rows, which registry.cc reads back.
json::Value ActorJson(const ActorRecord& actor);
json::Value PersonJson(const PersonRecord& person);

}  // namespace remit::broker
