#pragma once

namespace peer {

/// A socket that listens on a port of 127.0.0.1 that the kernel picks, and prints it on standard output. Its connections
/// have TCP_NODELAY. Ends the program if that fails.
int listen_on_loopback(bool blocking = true);

/// Ends the program, with errno's message, unless `fine`.
void require(bool fine, const char* what);

} // namespace peer
