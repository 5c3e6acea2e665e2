#pragma once

#include <tuyau/runtime/task.hpp>

#include "options.hpp"

namespace uring_client {

/// Standard input goes to the socket and what comes back to standard output, both at once, until the peer has ended its
/// side and the input has come to its end, which is passed on as a half-close. A terminal's end is not waited for. Throws
/// failures, also when the peer did not take all of the input.
tuyau::task<> talk_tcp(tcp_options options);

} // namespace uring_client
