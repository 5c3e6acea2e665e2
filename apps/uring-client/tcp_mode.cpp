#include "tcp_mode.hpp"

#include <chrono>
#include <cstddef>
#include <fmt/format.h>
#include <optional>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <tuyau/net/byte_stream.hpp>
#include <tuyau/net/http/client/client_error.hpp>
#include <tuyau/net/resolve.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/net/tls/tls_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>

#include "client_failure.hpp"
#include "connection.hpp"
#include "connector.hpp"
#include "failure.hpp"
#include "output.hpp"

namespace uring_client {
namespace {

/// What ended it before the input did, if something has: `unsent`.
template <tuyau::byte_stream Stream>
tuyau::task<> forward_input(Stream& peer, std::optional<std::error_code>& unsent) {
    std::vector<std::byte> space(65536);
    for (;;) {
        auto size = co_await tuyau::read_some(STDIN_FILENO, space);
        if (!size && tuyau::is_cancelled(size.error())) co_return;
        if (!size)
            throw failure(exit_code::not_read, fmt::format("cannot read standard input: {}", size.error().message()));
        if (*size == 0) break;
        auto sent = co_await peer.send(std::span(space).first(static_cast<std::size_t>(*size)));
        if (!sent) {
            unsent = sent.error();
            co_return; // the connection is over: whoever receives will say so if it broke
        }
    }
    auto ended = co_await tuyau::shutdown_send(peer);
    (void)ended;
}

template <tuyau::byte_stream Stream>
tuyau::task<> print(Stream& peer, std::string name, terminal_use use, tuyau::scope& both) {
    output out = co_await output::open("-", use);
    std::size_t received = 0;
    for (;;) {
        auto data = co_await peer.receive();
        if (!data && tuyau::is_cancelled(data.error())) co_return; // the other direction failed
        if (!data || data->text().empty()) co_await out.finish();
        if (!data)
            throw failure(exit_code::receive_failed, fmt::format("the connection to {} broke after {} bytes: {}", name,
                                                                 received, data.error().message()));
        const std::string_view text = data->text();
        if (text.empty()) break;
        received += text.size();
        co_await out.write(text);
    }
    // The peer may listen still, and a pipe or a file comes to its end by itself; a person waits to be told.
    if (::isatty(STDIN_FILENO) == 1) both.stop();
}

template <tuyau::byte_stream Stream>
tuyau::task<> talk(Stream peer, std::string name, bool raw) {
    std::optional<std::error_code> unsent;
    tuyau::scope both;
    both.spawn(forward_input(peer, unsent));
    both.spawn(print(peer, name, raw ? terminal_use::raw : terminal_use::binary, both));
    co_await both.join();
    // To the peer, a connection that ends without that was cut (TLS).
    constexpr std::chrono::seconds long_enough(2);
    auto ended = co_await tuyau::with_deadline(long_enough, tuyau::shutdown_send(peer));
    (void)ended;
    if (unsent && !tuyau::is_cancelled(*unsent))
        throw failure(
            exit_code::send_failed,
            fmt::format("{} ended the connection before all of standard input was sent: {}", name, unsent->message()));
}

tuyau::task<tuyau::tcp_stream> accept_one(const tcp_options& options, const name_rules& rules) {
    const tuyau::connect_options how = rules.for_connecting(options.connect_limit);
    auto addresses =
        co_await tuyau::resolve(options.host, options.port, tuyau::resolve_options{how.family, how.overrides});
    if (!addresses)
        throw failure(exit_code::not_resolved,
                      fmt::format("cannot resolve '{}': {}", options.host, addresses.error().message()));
    auto listener = tuyau::tcp_listener::bind(addresses->front());
    if (!listener)
        throw failure(exit_code::not_connected, fmt::format("cannot listen at {}: {}", addresses->front().to_string(),
                                                            listener.error().message()));
    if (auto here = listener->local_endpoint())
        fmt::print(stderr, "uring-client: listening at {}\n", here->to_string());
    auto accepted = co_await listener->accept();
    if (!accepted) throw failure(exit_code::not_connected, fmt::format("nobody came: {}", accepted.error().message()));
    co_return std::move(*accepted);
}

tuyau::tls_context context_of(const tcp_options& options) {
    check_files(options.tls);
    if (!options.listen) return tuyau::tls_context::client(client_settings(options.tls));
    tuyau::tls_server_options settings;
    settings.certificate_file = options.tls.certificate;
    settings.key_file = options.tls.key;
    if (!options.tls.ca_file.empty()) {
        settings.client = tuyau::tls_server_options::client_certificate::required;
        settings.client_ca_file = options.tls.ca_file;
    }
    settings.crl_file = options.tls.crl_file;
    if (options.tls.only_1_3) settings.least = tuyau::tls_version::tls1_3;
    try {
        return tuyau::tls_context::server(settings);
    } catch (const std::system_error& unusable) {
        throw failure(exit_code::own_certificate, unusable.what());
    }
}

[[noreturn]] void fail_handshake(std::error_code error, std::string why, const std::string& name,
                                 std::chrono::milliseconds limit) {
    using tuyau::http::client_error;
    client_error told{client_error::kind::tls_failed, client_error::stage::securing, name, 0, error, std::move(why)};
    if (error == std::errc::timed_out) told.what = client_error::kind::timed_out;
    fail(told, limit);
}

} // namespace

tuyau::task<> talk_tcp(tcp_options options) {
    const name_rules rules(options.network);
    std::optional<tuyau::tls_context> context;
    if (options.secure) context = context_of(options);
    tuyau::tcp_stream peer;
    if (options.listen)
        peer = co_await accept_one(options, rules);
    else
        peer = co_await connect_to(options.host, options.port, rules, options.connect_limit);
    std::string name = tuyau::http::peer_name(options.host, options.port);
    if (options.listen) {
        auto other = peer.peer_endpoint();
        name = other ? other->to_string() : "the peer";
    }
    if (!context) {
        co_await talk(std::move(peer), std::move(name), options.raw);
        co_return;
    }
    const std::string host = options.listen ? std::string() : options.host;
    tuyau::tls_stream<tuyau::tcp_stream> secured(std::move(peer), *context, host);
    auto shaken = co_await tuyau::with_deadline(options.connect_limit, secured.handshake());
    if (!shaken) {
        std::string why = secured.explanation();
        if (why.empty()) why = shaken.error().message();
        fail_handshake(shaken.error(), std::move(why), name, options.connect_limit);
    }
    co_await talk(std::move(secured), std::move(name), options.raw);
}

} // namespace uring_client
