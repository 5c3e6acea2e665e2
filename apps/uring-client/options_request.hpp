#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace uring_client {

/// One of the options that give a piece of the body.
struct data_option {
    enum class kind {
        text,       ///< -d: files lose their line breaks
        raw,        ///< --data-raw: `@` means nothing
        binary,     ///< --data-binary: files as they are
        urlencoded, ///< --data-urlencode
        json,       ///< --json
    };
    kind what = kind::text;
    std::string value;
};

/// What is asked for.
struct message_options {
    std::optional<std::string> method; ///< none: as the other options have it
    bool head_only = false;
    std::vector<std::string> lines; ///< -H
    std::vector<data_option> data;
    bool data_in_query = false;
    std::vector<std::string> form; ///< -F
    std::string upload;            ///< -T; empty: none
    std::string user;              ///< `NAME:PASSWORD`
    std::optional<std::string> agent;
    std::string referer;
    std::string cookie;
    std::string range;
    bool compressed = false;
};

/// Options of an `app` that is about to parse; both must stay where they are. `finish` follows the parsing, and throws a
/// usage failure.
void add_message_options(CLI::App& app, message_options& options);
void finish_message_options(const CLI::App& app, message_options& options);

} // namespace uring_client
