#pragma once

#include <string>
#include <vector>

#include "support/scripted_server.hpp"

namespace tests {

/// What curl does with the same command and server.
enum class curl_does {
    the_same, ///< prints the same bytes, and ends with the same code
    other,    ///< is more trusting, or has another code for it
};

/// A server that does something, and what uring-client is to make of it.
struct behaviour {
    std::string name;
    std::vector<script> connections; ///< what it does on the first, the second, …; the last for all that follow
    std::vector<std::string> options = {};
    std::string output = {};
    int code = 0;
    std::string told = {}; ///< a part of the line on standard error; empty: nothing is said there
    curl_does curl = curl_does::the_same;
};

/// The tables, by subject.
std::vector<behaviour> whole_responses();
std::vector<behaviour> broken_responses();
std::vector<behaviour> broken_connections();
std::vector<behaviour> redirects_and_retries();

} // namespace tests
