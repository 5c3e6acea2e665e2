#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace load {

/// What to send, to whom, how and for how long.
struct options {
    std::uint16_t port = 0; ///< on 127.0.0.1
    std::size_t connections = 1;
    std::size_t idle = 0; ///< more connections, which make one request each and then stay open
    std::size_t slow = 0; ///< more connections, whose requests never end
    std::size_t depth = 1;
    double rate = 0; ///< requests a second; 0: each connection asks again as soon as it is answered
    bool new_connection = false;
    std::string request;       ///< what is sent, once a request
    std::size_t echo_size = 0; ///< more than 0: the request is so many bytes, and comes back
    double seconds = 1;
    double warm_up = 0;
    std::uint64_t requests = 0; ///< at most so many, where it is not 0
    bool hold = false;
    std::vector<int> watch; ///< processes whose CPU time is told
};

/// None if the program is to end with `exit_code`.
std::optional<options> read_options(int argc, char** argv, int& exit_code);

} // namespace load
