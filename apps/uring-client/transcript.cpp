#include "transcript.hpp"

#include <utility>

#include <fmt/format.h>

#include <tuyau/runtime/system.hpp>

namespace uring_client {
namespace {

std::string marked(std::string_view mark, std::string_view lines) {
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

} // namespace

void transcript::begin(const tuyau::http::client_request& asked) {
    const auto size = asked.body.size();
    body_ = !asked.body.is_there() ? ""
            : size                 ? fmt::format("* sending a body of {} bytes\n", *size)
                                   : "* sending a body in chunks\n";
}

void transcript::connected(const tuyau::http::connection_info& info) {
    if (!info.reused) ++counts_.connections;
    if (!verbose_) return;
    const std::string address = info.remote ? fmt::format(" ({})", info.remote->to_string()) : std::string();
    say(fmt::format("* {} {}{}\n", info.reused ? "using the connection to" : "connected to", info.peer, address));
    if (!info.security.empty() && !info.reused) say(fmt::format("* secured by {}\n", info.security));
}

void transcript::sending(std::string_view head) {
    counts_.request += head.size();
    if (!verbose_) return;
    say(marked("> ", head));
    if (!head.starts_with("CONNECT ")) say(body_);
}

void transcript::received(std::string_view lines) {
    counts_.heads += lines.size();
    if (keeps_heads_) heads_ += lines;
    if (verbose_) say(marked("< ", lines));
}

void transcript::interim(const tuyau::http::response_head& head) { received(head.text); }

void transcript::redirected(const tuyau::http::response_head& head, const tuyau::http::url& to) {
    received(head.text);
    ++counts_.redirects;
    counts_.last_redirect = tuyau::system::now();
    if (verbose_) say(fmt::format("* redirected to {}\n", to.to_string()));
}

void transcript::retried(const tuyau::http::client_error& why) {
    if (verbose_) say(fmt::format("* asking again on a new connection: {}\n", why.message()));
}

void transcript::answered(const tuyau::http::response_head& head) { received(head.text); }

void transcript::ended(std::string_view trailers, std::uint64_t body_size) {
    if (trailers.ends_with("\r\n")) trailers.remove_suffix(2); // the empty line
    received(trailers);
    if (verbose_) say(fmt::format("* received a body of {} bytes\n", body_size));
}

std::string transcript::take_heads() { return std::exchange(heads_, {}); }

void transcript::say(std::string_view text) {
    if (!text.empty()) where_.say(text);
}

} // namespace uring_client
