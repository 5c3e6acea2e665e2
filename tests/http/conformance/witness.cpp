#include "witness.hpp"

#include <fmt/format.h>

#include <tuyau/net/http/text.hpp>

using namespace tuyau;

namespace conformance {
namespace {

constexpr std::size_t longest_shown = 40;

/// In printable characters, on one line.
std::string shown(std::string_view bytes) {
    if (bytes.size() > longest_shown) return fmt::format("({} bytes)", bytes.size());
    std::string text;
    for (const char c : bytes) {
        if (c == '\\')
            text += "\\\\";
        else if (c < ' ' || c > '~')
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else
            text += c;
    }
    return text;
}

std::string head_of(const http::request_head& asked) {
    std::string text = fmt::format("{} {}", llhttp_method_name(asked.method), shown(asked.target));
    if (asked.minor_version == 0) text += " HTTP/1.0";
    if (!asked.host().empty()) text += fmt::format(" host={}", shown(asked.host()));
    if (!asked.target.starts_with(asked.path())) text += fmt::format(" path={}", shown(asked.path()));
    for (const http::field& each : asked.fields)
        if (http::to_lower(each.name.front()) == 'x') text += fmt::format(" {}={}", each.name, shown(each.value));
    return text;
}

} // namespace

task<> witness(http::request& asked, http::response& reply) {
    std::string seen = head_of(asked);
    auto body = co_await asked.read_all(10'000);
    if (!body) co_return; // the library says why
    if (!body->empty()) seen += fmt::format(" body={}", shown(*body));
    for (const http::field& each : asked.trailers())
        seen += fmt::format(" trailer {}={}", each.name, shown(each.value));
    if (asked.method == HTTP_CONNECT) reply.set_status(501); // a tunnel would have no answers (RFC 9110, section 9.3.6)
    reply.add_field("Seen", seen);
    reply.send("text/plain", "seen\n");
}

http::server_limits limits_of_the_table() {
    http::server_limits limits;
    limits.request.target = 100;
    limits.request.head = 1000;
    limits.request.fields = 10;
    limits.request.body = 500;
    return limits;
}

std::string record::fault_in(const test_case& asked, bool next_followed) const {
    std::vector<expected_answer> wanted = asked.answers;
    if (next_followed && asked.end == ending::open) wanted.push_back(next_answer);
    if (told_.size() != wanted.size())
        return fmt::format("{} answers were told of, and {} are right", told_.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const std::string_view cause = wanted[i].cause.empty() ? "none" : std::string_view(wanted[i].cause);
        if (told_[i].status != wanted[i].status || http::name_of(told_[i].refused) != cause)
            return fmt::format("{} for '{}' was told of, and {} for '{}' is right", told_[i].status,
                               http::name_of(told_[i].refused), wanted[i].status, cause);
    }
    return {};
}

} // namespace conformance
