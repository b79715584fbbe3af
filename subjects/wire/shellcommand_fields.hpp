#pragma once

#include "subjects/wire/process_fields.hpp"
#include "subjects/wire/shellcommand.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace steward::wire {

// Parts that the payloads of shellcommand have in common. For the sources of this folder.

// Bytes in JSON: a string under one name where they are UTF-8 (or the encoding says so; then bytes
// that are not become U+FFFD), else base64 under another.
void write_bytes(nlohmann::json& out,
                 const std::string& text_name,
                 const std::string& base64_name,
                 std::string_view bytes,
                 OutputEncoding encoding);

// Empty where neither is there; both are an error.
std::string read_bytes(Fields& fields, std::string_view text_name, std::string_view base64_name);

TerminalSize read_size(Fields& fields);

ShellRun read_run(Fields& fields);

void write_run(const ShellRun& run, nlohmann::json& out);

}  // namespace steward::wire
