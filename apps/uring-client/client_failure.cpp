#include "client_failure.hpp"

#include <string>

#include <fmt/format.h>

#include <tuyau/net/tls/tls_error.hpp>

#include "connection.hpp"
#include "failure.hpp"

namespace uring_client {
namespace {

using tuyau::tls_errc;
using tuyau::http::client_error;
using kind = client_error::kind;

bool is_any_of(std::error_code error, std::initializer_list<tls_errc> codes) {
    for (const tls_errc each : codes)
        if (error == each) return true;
    return false;
}

exit_code code_of_tls(std::error_code error) {
    if (is_any_of(error, {tls_errc::certificate_expired, tls_errc::certificate_not_yet_valid, tls_errc::wrong_name,
                          tls_errc::self_signed, tls_errc::unknown_issuer, tls_errc::revoked,
                          tls_errc::revocation_unknown, tls_errc::certificate_unacceptable}))
        return exit_code::not_trusted;
    return exit_code::handshake_failed;
}

exit_code code_of(const client_error& error) {
    switch (error.what) {
    case kind::cancelled:
    case kind::timed_out: return exit_code::timed_out;
    case kind::bad_url:
    case kind::bad_redirect: return exit_code::malformed_url;
    case kind::unsupported_scheme: return exit_code::unsupported_scheme;
    case kind::bad_request: return exit_code::usage;
    case kind::not_resolved: return error.is_proxy ? exit_code::proxy_not_resolved : exit_code::not_resolved;
    case kind::not_connected: return exit_code::not_connected;
    case kind::tls_failed: return code_of_tls(error.code);
    case kind::proxy_refused: return exit_code::receive_failed;
    case kind::send_failed: return exit_code::send_failed;
    case kind::body_not_read: return exit_code::not_read;
    case kind::receive_failed: return exit_code::receive_failed;
    case kind::empty: return exit_code::empty_reply;
    case kind::cut_short: return exit_code::cut_short;
    case kind::malformed:
    case kind::too_large:
    case kind::unsupported: return exit_code::malformed_response;
    case kind::too_many_redirects: return exit_code::too_many_redirects;
    case kind::not_repeatable: return exit_code::not_repeatable;
    case kind::bad_coding: return exit_code::bad_coding;
    }
    return exit_code::receive_failed;
}

std::string advice_on_tls(std::error_code error, bool is_proxy) {
    if (is_any_of(error, {tls_errc::self_signed, tls_errc::unknown_issuer}))
        return is_proxy ? "--proxy-cacert FILE trusts its authority" : "--cacert FILE trusts its authority";
    if (error == tls_errc::certificate_expired)
        return "the server's owner has to renew it; or is this machine's clock wrong?";
    if (error == tls_errc::certificate_not_yet_valid) return "is this machine's clock wrong?";
    if (error == tls_errc::wrong_name) return "is the host's name right? --resolve keeps it, with another address";
    if (error == tls_errc::not_tls) return "is it http://, or another port?";
    if (!is_proxy && is_any_of(error, {tls_errc::certificate_refused, tls_errc::certificate_missing}))
        return "--cert FILE shows one";
    return {};
}

std::string advice_on(const client_error& error) {
    switch (error.what) {
    case kind::not_resolved: return "is the name spelled right, and the network up?";
    case kind::not_connected: return connect_advice(error.code);
    case kind::tls_failed: return advice_on_tls(error.code, error.is_proxy);
    case kind::send_failed: return "the server does not want it; is it too large?";
    case kind::receive_failed: return "the server, or something on the way, gave up; try again";
    case kind::empty: return "is it an HTTP server?";
    case kind::cut_short: return "try again";
    case kind::malformed:
    case kind::too_large:
    case kind::unsupported: return "-v and -i show what came before";
    case kind::too_many_redirects: return "--max-redirs allows more";
    case kind::bad_coding: return "without --compressed it comes as it is";
    case kind::proxy_refused: return "-x '' goes without a proxy";
    case kind::bad_redirect: return "without -L it is shown";
    default: return {};
    }
}

/// What it was doing, for who has stopped it.
std::string doing(const client_error& error) {
    using stage = client_error::stage;
    switch (error.where) {
    case stage::preparing: return "preparing the request";
    case stage::queueing: return fmt::format("waiting for a free connection to {}", error.peer);
    case stage::resolving:
    case stage::connecting: return fmt::format("connecting to {}", error.peer);
    case stage::securing: return fmt::format("in the TLS handshake with {}", error.peer);
    case stage::tunnelling: return fmt::format("asking the proxy {} for a tunnel", error.peer);
    case stage::sending:
    case stage::waiting:
    case stage::head:
    case stage::body: return fmt::format("waiting for {} ({} bytes of its response came)", error.peer, error.offset);
    }
    return {};
}

} // namespace

void fail(const client_error& error, std::chrono::milliseconds connect_limit) {
    if (error.what == kind::cancelled) throw stopped(doing(error));
    if (error.what == kind::timed_out)
        throw failure(exit_code::timed_out, no_answer(error.peer, connect_limit, doing(error)));
    const std::string what = advice_on(error);
    throw failure(code_of(error), what.empty() ? error.message() : fmt::format("{} ({})", error.message(), what));
}

bool is_transient(const client_error& error) noexcept {
    switch (error.what) {
    case kind::timed_out:
    case kind::not_resolved:
    case kind::send_failed:
    case kind::receive_failed:
    case kind::empty:
    case kind::cut_short: return true;
    default: return false;
    }
}

} // namespace uring_client
