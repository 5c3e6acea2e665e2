#pragma once

#include <string>
#include <system_error>

namespace tuyau {

/// What goes wrong with TLS, as far as a program may want to act on it. What happened in the single case (which name, since
/// when, which issuer) is told by `tls_stream::explanation`.
enum class tls_errc {
    // The peer's certificate, by whoever verifies it.
    certificate_expired = 1,   ///< its own, or one between it and a trusted authority
    certificate_not_yet_valid, ///< the same; it is often this machine's clock
    wrong_name,                ///< it is valid, for somebody else
    self_signed,               ///< nobody vouches for it
    unknown_issuer,            ///< no trusted authority vouches for it
    revoked,                   ///< its issuer has called it back
    revocation_unknown,        ///< there are lists of revoked certificates, and none of its issuer that is current
    certificate_unacceptable,  ///< for another reason, such as a weak key or a purpose that is not this one
    certificate_missing,       ///< the peer has shown none, and is asked for one

    // What the peer says, or does.
    certificate_refused, ///< the peer does not accept the certificate shown to it, or asks for one
    no_common_version,   ///< the peer speaks no version of TLS that is allowed here
    no_common_cipher,    ///< nor a cipher or signature
    no_common_protocol,  ///< nor a protocol above it, of those named (ALPN)
    not_tls,             ///< what the peer sends is something else
    refused_by_peer,     ///< any other alert
    protocol_violated,   ///< the peer, or somebody between, breaks the rules or the seal of a record

    // The end.
    closed_in_handshake, ///< the peer closed the connection before both could talk
    truncated, ///< the connection ended without the peer's word that it had said all: somebody may have cut it short
};

/// The category of `tls_errc`.
const std::error_category& tls_category() noexcept;

std::error_code make_error_code(tls_errc code) noexcept;

/// What went wrong, in words that name what it concerns.
struct tls_failure {
    std::error_code code;
    std::string text;
};

} // namespace tuyau

template <>
struct std::is_error_code_enum<tuyau::tls_errc> : std::true_type {};
