// What went wrong with TLS, from OpenSSL's numbers to words.

#include <tuyau/net/tls/engine.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <new>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <tuyau/net/tls/settings.hpp>

namespace tuyau::detail {
namespace {

constexpr std::size_t most_names_told = 5;

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t index = 0; index < std::min(names.size(), most_names_told); ++index) {
        if (index != 0) text += ", ";
        text += names[index];
    }
    if (names.size() > most_names_told) text += " and " + std::to_string(names.size() - most_names_told) + " more";
    return text;
}

/// What the first bytes of something that is no TLS look like; empty when nothing that is known.
std::string_view look_of(std::string_view bytes) {
    struct known {
        std::string_view begin;
        std::string_view name;
    };
    static constexpr std::array known_ones{
        known{"HTTP/", "HTTP"},         known{"GET ", "HTTP"},          known{"POST ", "HTTP"},
        known{"HEAD ", "HTTP"},         known{"PUT ", "HTTP"},          known{"OPTIONS ", "HTTP"},
        known{"<!DOCTYPE", "HTTP 0.9"}, known{"<html", "HTTP 0.9"},     known{"SSH-", "SSH"},
        known{"220 ", "SMTP or FTP"},   known{"220-", "SMTP or FTP"},   known{"+OK", "POP3"},
        known{"* OK", "IMAP"},          known{"-ERR", "Redis or POP3"}, known{"RFB ", "VNC"}};
    for (const known& each : known_ones) {
        if (bytes.substr(0, each.begin.size()) == each.begin) return each.name;
    }
    return {};
}

/// Every record begins with its type, 20 to 23, and a version whose first byte is 3 (RFC 8446, section 5.1).
bool looks_like_tls(std::string_view bytes) {
    if (bytes.front() < 20 || bytes.front() > 23) return false;
    return bytes.size() < 2 || bytes[1] == 3;
}

} // namespace

std::string tls_engine::peer() const { return is_client_ ? "the server" : "the client"; }

std::string tls_engine::owner() const { return is_client_ ? printable(host_) : "the client"; }

int tls_engine::on_verify(int good, X509_STORE_CTX* chain) {
    if (good == 1) return 1;
    auto* connection = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    try {
        static_cast<tls_engine*>(SSL_get_app_data(connection))->judge(chain);
    } catch (const std::bad_alloc&) { // then the general words have to do
    }
    return 0;
}

/// Says what is wrong with the peer's certificates, while OpenSSL shows which one it is about.
void tls_engine::judge(X509_STORE_CTX* chain) {
    const int error = X509_STORE_CTX_get_error(chain);
    const int depth = X509_STORE_CTX_get_error_depth(chain);
    X509* native = X509_STORE_CTX_get_current_cert(chain);
    const tls_certificate certificate = native != nullptr ? read_certificate(native) : tls_certificate{};
    const std::string its = "the certificate of " + owner();
    const std::string subject =
        depth == 0 ? its : "the certificate of '" + certificate.subject + "', which vouches for " + owner() + ",";
    const auto say = [&](tls_errc code, std::string text) { verdict_ = {make_error_code(code), std::move(text)}; };
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return say(tls_errc::certificate_expired, subject + " expired on " + text_of(certificate.not_after));
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return say(tls_errc::certificate_not_yet_valid, subject + " is valid from " + text_of(certificate.not_before) +
                                                            " on only, and here it is " +
                                                            text_of(std::chrono::system_clock::now()));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        if (certificate.names.empty())
            return say(tls_errc::wrong_name, its + " is for no name at all (no subjectAltName; its subject is '" +
                                                 certificate.subject + "')");
        return say(tls_errc::wrong_name, its + " is for another name: " + list_of(certificate.names));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return say(tls_errc::self_signed, its + " is self-signed: nobody vouches for it");
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return say(tls_errc::unknown_issuer,
                   its + " leads to an issuer that is not trusted here: '" + certificate.subject + "'");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return say(tls_errc::unknown_issuer,
                   its + " cannot be verified: its issuer is unknown: '" + certificate.issuer + "'");
    case X509_V_ERR_CERT_REVOKED:
        return say(tls_errc::revoked, subject + " was revoked by '" + certificate.issuer + "'");
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return say(tls_errc::revocation_unknown,
                   "whether " + subject + " was revoked is not known: no current list of '" + certificate.issuer +
                       "' (" + X509_verify_cert_error_string(error) + ")");
    default:
        return say(tls_errc::certificate_unacceptable,
                   subject + " is not acceptable: " + X509_verify_cert_error_string(error));
    }
}

void tls_engine::explain(unsigned long error) {
    if (failure_.code) return;
    const int reason = ERR_GET_LIB(error) == ERR_LIB_SSL ? ERR_GET_REASON(error) : 0;
    if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        return explain_alert(reason - SSL_AD_REASON_OFFSET);
    switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        if (verdict_.code) return (void)fail(verdict_.code, verdict_.text);
        return (void)fail(tls_errc::certificate_unacceptable,
                          "the certificate of " + owner() + " is not acceptable: " +
                              X509_verify_cert_error_string(SSL_get_verify_result(native_.get())));
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return (void)fail(tls_errc::certificate_missing, peer() + " has shown no certificate");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION: return explain_alert(SSL_AD_PROTOCOL_VERSION);
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
        return (void)fail(tls_errc::no_common_cipher, peer() + " and we have no cipher in common");
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return (void)fail(tls_errc::no_common_protocol,
                          peer() + " and we have no application protocol in common (ALPN)");
    default: break;
    }
    if (!established_ && !first_bytes_.empty()) explain_first_bytes();
    if (failure_.code) return;
    const char* words = ERR_reason_error_string(error);
    fail(tls_errc::protocol_violated,
         "what " + peer() + " sent is not valid TLS (" + (words != nullptr ? words : "no reason given") + ")");
}

/// Why the peer refuses, or why we do where we would send the same alert.
void tls_engine::explain_alert(int alert) {
    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
        return (void)fail(tls_errc::no_common_version,
                          peer() + " speaks no TLS >= " + (settings_->least() == tls_version::tls1_2 ? "1.2" : "1.3"));
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_INSUFFICIENT_SECURITY:
        return (void)fail(tls_errc::no_common_cipher,
                          peer() +
                              " finds nothing in common with us: no cipher, signature or certificate that both accept");
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        return (void)fail(tls_errc::no_common_protocol,
                          peer() + " and we have no application protocol in common (ALPN)");
    case TLS13_AD_CERTIFICATE_REQUIRED:
        return (void)fail(tls_errc::certificate_refused, peer() + " asks for a certificate, and none was shown");
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
        return (void)fail(tls_errc::certificate_refused,
                          peer() + " does not accept our certificate: " + SSL_alert_desc_string_long(alert));
    default:
        return (void)fail(tls_errc::refused_by_peer, peer() + " broke TLS off: " + SSL_alert_desc_string_long(alert));
    }
}

void tls_engine::explain_first_bytes() {
    if (looks_like_tls(first_bytes_)) return;
    const std::string_view look = look_of(first_bytes_);
    fail(tls_errc::not_tls,
         peer() + " does not speak TLS (its first bytes " +
             (look.empty() ? "are '" + printable(first_bytes_) + "'" : "look like " + std::string(look)) + ")");
}

} // namespace tuyau::detail
