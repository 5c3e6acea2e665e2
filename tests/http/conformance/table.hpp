#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The table of what clients may send to an HTTP/1.1 server, and what must come back: see README.md beside this file.
/// Nothing of the product is in it, so that it can judge servers in any kernel.
namespace conformance {

/// What one request must come to.
struct expected_answer {
    int status = 0;
    std::string seen;     ///< by the handler, as the witness tells it; empty if it was refused before
    std::string cause;    ///< of the refusal, by its name; empty if a handler has answered
    bool has_body = true; ///< not in answer to HEAD
};

/// What becomes of the connection after the last answer.
enum class ending {
    open,   ///< the next request is answered
    closes, ///< the last answer says so
    waits,  ///< nothing comes until the client ends its side, and nothing then
};

struct test_case {
    std::string name;
    std::string sections;           ///< of the RFCs that decide
    std::string place;              ///< in the files
    std::vector<std::string> parts; ///< what the client sends; before each but the first it waits for a 100
    std::vector<expected_answer> answers;
    ending end = ending::open;

    std::string bytes() const;
};

/// All files `*.cases` of the folder, in the order of their names. Throws `std::runtime_error` that names file and line
/// where one cannot be read.
std::vector<test_case> read_table(const std::string& folder);

/// The table of this project, read once.
const std::vector<test_case>& table();

/// What is sent behind a case that leaves its connection open, and what must come of it: no byte may have been taken for
/// another request's.
extern const std::string_view next_request;
extern const expected_answer next_answer;

} // namespace conformance
