#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "authority.hpp"
#include "runtime/helpers.hpp"
#include "support/temporary_folder.hpp"

#include <tuyau/net/tls/tls_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>

namespace tests {

/// A folder with an authority, `root.pem`, and a certificate and key that it issued, `server.pem`, for `localhost`; and
/// whatever files a test adds.
class certificates {
public:
    certificates() {
        write("root.pem", root.certificate());
        write("server.pem", server.certificate() + server.key());
    }

    std::string operator/(const std::string& name) const { return folder_ / name; }
    void write(const std::string& name, const std::string& text) const { folder_.write(name, text); }

    /// Contexts that fit together.
    tuyau::tls_context server_context() const {
        return tuyau::tls_context::server({.certificate_file = *this / "server.pem"});
    }
    tuyau::tls_context client_context() const { return tuyau::tls_context::client({.ca_file = *this / "root.pem"}); }

    const identity root{{.common_name = "root of the test", .may_issue = true}};
    const identity server = root.issue({.common_name = "server", .names = {"DNS:localhost"}});

private:
    temporary_folder folder_;
};

/// How the handshake of one end has ended.
struct handshake_outcome {
    std::error_code error;
    std::string explanation;
};

/// Both ends of a connection over loopback, before their handshake.
template <class Stream = tuyau::tcp_stream>
struct two_ends {
    two_ends(const tuyau::tls_context& server_context, const tuyau::tls_context& client_context,
             std::string_view host = "localhost")
        : two_ends(descriptor_pair::tcp(), server_context, client_context, host) {}

    tuyau::tls_stream<Stream> server;
    tuyau::tls_stream<Stream> client;

    static tuyau::task<> shake(tuyau::tls_stream<Stream>& end, handshake_outcome& outcome) {
        auto done = co_await tuyau::with_deadline(std::chrono::seconds(60), end.handshake());
        if (!done) outcome = {done.error(), end.explanation()};
    }

    /// Both at once; how each has ended.
    tuyau::task<std::pair<handshake_outcome, handshake_outcome>> handshake() {
        std::pair<handshake_outcome, handshake_outcome> outcomes;
        tuyau::scope both;
        both.spawn(shake(server, outcomes.first));
        both.spawn(shake(client, outcomes.second));
        co_await both.join();
        co_return outcomes;
    }

    /// Throws when one of them fails.
    tuyau::task<> connect() {
        const auto [of_server, of_client] = co_await handshake();
        if (of_server.error) throw std::system_error(of_server.error, of_server.explanation);
        if (of_client.error) throw std::system_error(of_client.error, of_client.explanation);
    }

private:
    two_ends(descriptor_pair pair, const tuyau::tls_context& server_context, const tuyau::tls_context& client_context,
             std::string_view host)
        : server(Stream(tuyau::tcp_stream(pair.take_first())), server_context),
          client(Stream(tuyau::tcp_stream(pair.take_second())), client_context, host) {}
};

/// All that comes until the end of the stream; throws when it does not come in order.
template <class Stream>
tuyau::task<std::string> receive_all(tuyau::tls_stream<Stream>& from) {
    std::string all;
    for (;;) {
        auto received = co_await from.receive();
        if (!received) throw std::system_error(received.error(), from.explanation());
        if (received->empty()) co_return all;
        all += received->text();
    }
}

/// `size` bytes in which no two places are easily confused.
inline std::string pattern(std::size_t size) {
    std::string text(size, ' ');
    for (std::size_t index = 0; index < size; ++index)
        text[index] = static_cast<char>('!' + (index * 7 + index / 251) % 90);
    return text;
}

} // namespace tests
