#pragma once

#include <tuyau/runtime/task.hpp>

#include "options.hpp"

namespace uring_client {

/// Standard input goes to the socket and what comes back to standard output, both at once, until the peer has ended its
/// side; the end of the input is passed on as a half-close. Throws failures.
tuyau::task<> talk_tcp(tcp_options options);

} // namespace uring_client
