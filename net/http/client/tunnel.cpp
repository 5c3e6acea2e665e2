#include <tuyau/net/http/client/tunnel.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <tuyau/net/http/response_parser.hpp>

namespace tuyau::http::detail {
namespace {

using kind = client_error::kind;
using step = response_parser::step;

constexpr std::size_t space_size = 16384;

std::string head_of(const tunnel_request& asked) {
    const std::string target = peer_name(asked.to.host, asked.to.port);
    std::string head = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", target);
    if (!asked.authorization.empty())
        head += fmt::format("Proxy-Authorization: {}\r\n", asked.authorization);
    else if (asked.proxy.user)
        head += fmt::format("Proxy-Authorization: {}\r\n", asked.proxy.user->basic());
    if (!asked.options.user_agent.empty()) head += fmt::format("User-Agent: {}\r\n", asked.options.user_agent);
    return head + "\r\n";
}

client_error failed(kind what, std::string text, const response_parser& parser, std::error_code code = {}) {
    client_error error;
    error.what = is_cancelled(code) ? kind::cancelled : what;
    error.where = client_error::stage::tunnelling;
    error.offset = parser.received();
    error.code = code;
    error.text = std::move(text);
    return error;
}

client_error refused(const response_parser& parser) {
    const response_head& head = parser.head();
    std::string text = fmt::format("it answers {} {}", head.status, head.reason);
    if (head.status == 407) text += " (it wants a user and password, or other ones)";
    return failed(kind::proxy_refused, std::move(text), parser);
}

} // namespace

task<client_result<any_stream>> open_tunnel(any_stream stream, tunnel_request asked) {
    response_parser parser(true, asked.options.response); // what is behind the head is the tunnel's
    const std::string head = head_of(asked);
    if (asked.observer != nullptr) asked.observer->sending(head);
    auto sent = co_await stream.send(head);
    if (!sent && is_cancelled(sent.error()))
        co_return tl::unexpected(failed(kind::send_failed, "stopped", parser, sent.error()));
    const auto space = std::make_unique_for_overwrite<std::byte[]>(space_size);
    for (;;) {
        auto received = co_await stream.receive(std::span(space.get(), space_size));
        if (!received)
            co_return tl::unexpected(failed(kind::proxy_refused, received.error().message(), parser, received.error()));
        std::string_view bytes(reinterpret_cast<const char*>(space.get()), *received);
        step next = *received == 0 ? parser.finish() : step::more;
        while (next == step::more && !bytes.empty()) {
            next = parser.parse(bytes);
            if (next == step::interim || next == step::head) {
                if (asked.observer != nullptr) asked.observer->interim(parser.head());
            }
            if (next == step::interim) next = step::more;
        }
        if (next == step::failed) co_return tl::unexpected(failed(kind::proxy_refused, parser.why().text, parser));
        if (next != step::head) continue;
        if (parser.head().status / 100 != 2) co_return tl::unexpected(refused(parser));
        if (!bytes.empty())
            co_return tl::unexpected(failed(kind::proxy_refused, "it says more than was asked", parser));
        co_return std::move(stream);
    }
}

} // namespace tuyau::http::detail
