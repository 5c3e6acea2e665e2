#pragma once

#include <cstddef>
#include <string>

#include "../kernel/random.hpp"

namespace simulation::scenarios {

/// A response as a server sends it, and what a client must make of it.
struct scripted_response {
    std::string wire;
    std::string shown;            ///< what the client prints in the end
    std::size_t final_begin = 0;  ///< of the response that counts, behind the interim ones
    std::size_t body_begin = 0;   ///< in the bytes on the wire
    std::size_t shown_before = 0; ///< of what is printed, before the body
    std::size_t body_size = 0;
    bool ends_with_connection = false; ///< the end of the stream is the end of the body
    bool is_malformed = false;
};

/// Text in which every position can be told from its neighbours.
std::string numbered_text(std::size_t size);

/// A correct one; `to_head`: it answers a HEAD, `with_heads`: the client prints the heads too.
scripted_response correct_response(random_source& random, bool to_head, bool with_heads);

/// One that no client may take for whole.
scripted_response malformed_response(random_source& random, bool to_head, bool with_heads);

} // namespace simulation::scenarios
