#pragma once

#include <string_view>

#include <openssl/types.h>

#include <tuyau/net/tls/block.hpp>

namespace tuyau::detail {

/// What OpenSSL reads from and writes to in place of a socket: bytes that have come, which stay where they are, and blocks
/// that are to be sent. OpenSSL's own memory BIO would copy each byte once more, and keep its memory.
struct tls_wire {
    std::string_view input;
    tls_output output;
};

/// A new BIO on `wire`, which must outlive it. Throws `std::bad_alloc`.
BIO* new_transport_bio(tls_wire& wire);

} // namespace tuyau::detail
