#pragma once

#include <string>
#include <string_view>

#include "table.hpp"

namespace conformance {

/// How a case was brought to the server.
struct circumstances {
    bool next_followed = true;          ///< where the case leaves its connection open
    bool continues_are_awaited = false; ///< each 100 has to come; else it may be left away, as the body follows anyway
};

/// What is wrong with `answers`, all that came back until the server closed; empty if it is what the case says. Reads
/// responses by the few rules that hold for a server of this library, and by none of its parsers.
std::string fault_in(const test_case& asked, std::string_view answers, const circumstances& how);

} // namespace conformance
