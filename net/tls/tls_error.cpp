#include <tuyau/net/tls/tls_error.hpp>

namespace tuyau {
namespace {

class tls_errors final : public std::error_category {
public:
    const char* name() const noexcept override { return "tls"; }

    std::string message(int code) const override {
        switch (static_cast<tls_errc>(code)) {
        case tls_errc::certificate_expired: return "the peer's certificate has expired";
        case tls_errc::certificate_not_yet_valid: return "the peer's certificate is not valid yet";
        case tls_errc::wrong_name: return "the peer's certificate is for another name";
        case tls_errc::self_signed: return "the peer's certificate is self-signed";
        case tls_errc::unknown_issuer: return "the issuer of the peer's certificate is unknown";
        case tls_errc::revoked: return "the peer's certificate was revoked";
        case tls_errc::revocation_unknown: return "it is unknown whether the peer's certificate was revoked";
        case tls_errc::certificate_unacceptable: return "the peer's certificate is not acceptable";
        case tls_errc::certificate_missing: return "the peer has shown no certificate";
        case tls_errc::certificate_refused: return "the peer does not accept our certificate, or wants one";
        case tls_errc::no_common_version: return "the peer speaks no version of TLS that is allowed here";
        case tls_errc::no_common_cipher: return "the peer and we have no cipher in common";
        case tls_errc::no_common_protocol: return "the peer and we have no application protocol in common";
        case tls_errc::not_tls: return "the peer does not speak TLS";
        case tls_errc::refused_by_peer: return "the peer broke TLS off with an alert";
        case tls_errc::protocol_violated: return "what came is not valid TLS";
        case tls_errc::closed_in_handshake: return "the peer closed the connection during the TLS handshake";
        case tls_errc::truncated: return "the connection ended without the end of TLS: it may have been cut short";
        }
        return "unknown TLS error";
    }
};

} // namespace

const std::error_category& tls_category() noexcept {
    static const tls_errors category;
    return category;
}

std::error_code make_error_code(tls_errc code) noexcept { return {static_cast<int>(code), tls_category()}; }

} // namespace tuyau
