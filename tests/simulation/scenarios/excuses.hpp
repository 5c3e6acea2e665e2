#pragma once

#include <cerrno>

#include "../peer.hpp"
#include "../scenario.hpp"

namespace simulation::scenarios {

/// Whether something between this client and the program has broken the connection; what befell others does not count.
inline bool was_broken_off(const peer& line) {
    return (line.error() != 0 || line.is_broken()) &&
           any_has_happened({fault::connection_reset, fault::connection_timed_out, fault::aborted_accept});
}

/// Whether something else than the program may have kept this client from being let in.
inline bool was_kept_out(const peer& line) {
    return was_broken_off(line) || (line.error() == ECONNREFUSED && has_happened(fault::connection_refused));
}

} // namespace simulation::scenarios
