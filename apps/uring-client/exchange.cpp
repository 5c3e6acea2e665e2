#include "exchange.hpp"

#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/http/response_parser.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/scope.hpp>

#include "connection.hpp"
#include "failure.hpp"

namespace uring_client {
namespace {

using tuyau::http::response_error;
using tuyau::http::response_parser;
using step = response_parser::step;

/// One request and its response over one connection.
class conversation {
public:
    conversation(std::string peer, request asked, const exchange_options& how, output& out)
        : peer_(std::move(peer)), asked_(std::move(asked)), how_(how), out_(out),
          parser_(how.head_only || asked_.method == "HEAD") {}

    tuyau::task<> hold(tuyau::tcp_stream server) {
        co_await tell_what_is_sent(server);
        // Beside each other: a server may answer, and stop reading, before it has the whole request.
        tuyau::scope sending;
        sending.spawn(send(server));
        co_await receive(server);
    }

private:
    tuyau::task<> send(tuyau::tcp_stream& server) {
        const std::string_view body = asked_.body ? std::string_view(*asked_.body) : std::string_view();
        auto sent = co_await server.send(asked_.head, body);
        if (!sent) send_error_ = sent.error();
    }

    tuyau::task<> receive(tuyau::tcp_stream& server) {
        std::vector<std::byte> space(131072); // a quarter of the CPU time of 4 KiB leases, for a big body
        step last = step::more;
        while (last != step::complete) {
            auto data = co_await server.receive(std::span<std::byte>(space));
            if (!data) cannot_receive(data.error());
            if (*data == 0) {
                if (parser_.finish() == step::failed) refuse();
                break;
            }
            std::string_view bytes = std::string_view(reinterpret_cast<const char*>(space.data()), *data);
            while ((last = parser_.parse(bytes)) != step::more && last != step::complete) co_await pass_on(last);
        }
        if (!parser_.trailer_text().empty()) {
            std::string_view lines = parser_.trailer_text();
            lines.remove_suffix(2); // the empty line
            co_await pass_on_lines(lines);
        }
        const std::string summary = fmt::format("* received a body of {} bytes\n", parser_.body_received());
        co_await tell(summary);
    }

    tuyau::task<> pass_on(step what) {
        switch (what) {
        case step::interim:
        case step::head: co_await pass_on_lines(parser_.head().text); break;
        case step::body: co_await out_.write(parser_.body()); break;
        case step::failed: refuse();
        case step::more:
        case step::complete: break;
        }
    }

    tuyau::task<> pass_on_lines(std::string_view lines) {
        const std::string shown = how_.verbose ? marked("< ", lines) : std::string();
        co_await tell(shown);
        if (how_.show_heads) co_await out_.write(lines);
    }

    tuyau::task<> tell_what_is_sent(const tuyau::tcp_stream& server) {
        if (!how_.verbose) co_return;
        const auto end = server.peer_endpoint();
        std::string text =
            fmt::format("* connected to {}{}\n", peer_, end ? fmt::format(" ({})", end->to_string()) : "");
        text += marked("> ", asked_.head);
        if (asked_.body) text += fmt::format("* sending a body of {} bytes\n", asked_.body->size());
        co_await tell(text);
    }

    /// On standard error; what cannot be said there is not said at all.
    tuyau::task<> tell(std::string_view text) {
        if (!how_.verbose || text.empty()) co_return;
        (void)co_await tuyau::write_all(STDERR_FILENO, std::as_bytes(std::span(text)));
    }

    static std::string marked(std::string_view mark, std::string_view lines) {
        std::string text;
        while (!lines.empty()) {
            const auto end = lines.find('\n');
            auto line = lines.substr(0, end);
            if (line.ends_with('\r')) line.remove_suffix(1);
            text.append(mark).append(line).append("\n");
            lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
        }
        return text;
    }

    [[noreturn]] void cannot_receive(std::error_code error) const {
        if (send_error_ && parser_.received() == 0) cannot_send();
        fail(error, fmt::format("waiting for {} ({} bytes of its response came)", peer_, parser_.received()),
             exit_code::receive_failed,
             fmt::format("cannot receive from {}: {} after {} bytes (the server, or something on the way, gave up; try "
                         "again)",
                         peer_, error.message(), parser_.received()));
    }

    [[noreturn]] void cannot_send() const {
        throw failure(exit_code::send_failed, fmt::format("cannot send the request to {}: {} (the server does not want "
                                                          "it; is it too large?)",
                                                          peer_, send_error_.message()));
    }

    [[noreturn]] void refuse() const {
        const response_error& why = parser_.why();
        switch (why.what) {
        case response_error::kind::empty:
            if (send_error_) cannot_send();
            throw failure(exit_code::empty_reply,
                          fmt::format("empty reply from {}: {} (is it an HTTP server?)", peer_, why.text));
        case response_error::kind::cut_short:
            throw failure(exit_code::cut_short,
                          fmt::format("the response from {} was cut short at byte {}: {} (try again)", peer_,
                                      why.offset, why.text));
        default:
            throw failure(exit_code::malformed_response,
                          fmt::format("bad response from {} at byte {}: {} (-v and -i show what came before)", peer_,
                                      why.offset, why.text));
        }
    }

    std::string peer_;
    request asked_;
    exchange_options how_;
    output& out_;
    response_parser parser_;
    std::error_code send_error_;
};

} // namespace

tuyau::task<> exchange(tuyau::http::url where, request asked, exchange_options how, output& out) {
    conversation both(name_of(where.host, where.port), std::move(asked), how, out);
    tuyau::tcp_stream server = co_await connect_to(where.host, where.port, how.connect_limit);
    co_await both.hold(std::move(server));
}

} // namespace uring_client
