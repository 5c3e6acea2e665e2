#include <tuyau/net/http/client/client_request.hpp>

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

// What most requests say beside their target and the fields that all have, so that a head is allocated once.
constexpr std::size_t usual_head = 256;

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

/// A body of no bytes is told of where one would be expected (RFC 9110, section 8.6).
bool expects_body(std::string_view name) { return name == "POST" || name == "PUT" || name == "PATCH"; }

std::string fault_of_field(const client_field& each, const client_request& asked) {
    if (!is_token(each.name)) return fmt::format("'{}' is no name of a field (RFC 9110, section 5.1)", each.name);
    if (std::any_of(each.value.begin(), each.value.end(), is_control_character))
        return fmt::format("the value of the field {} contains a control character", each.name);
    if (equal_ignoring_case(each.name, "transfer-encoding"))
        return "Transfer-Encoding is the client's to say: a body of unknown size is sent in chunks";
    if (!equal_ignoring_case(each.name, "content-length")) return {};
    const auto size = asked.body.size();
    if (size && trim(each.value) == std::to_string(*size)) return {};
    if (size) return fmt::format("a Content-Length other than the body's, which is {}", *size);
    return "a Content-Length for a body whose size is not known";
}

void add(std::string& head, std::string_view name, std::string_view value) {
    head.append(name).append(":");
    if (!value.empty() && !is_white_space(value.front())) head.append(" ");
    head.append(value).append("\r\n");
}

} // namespace

const client_field* client_request::find(std::string_view name) const noexcept {
    for (const client_field& each : fields)
        if (equal_ignoring_case(each.name, name)) return &each;
    return nullptr;
}

bool client_request::adds(std::string_view name) const noexcept {
    const auto is_it = [&](std::string_view other) { return equal_ignoring_case(other, name); };
    return find(name) == nullptr && std::none_of(without.begin(), without.end(), is_it);
}

void client_request::remove(std::string_view name) {
    std::erase_if(fields, [&](const client_field& each) { return equal_ignoring_case(each.name, name); });
}

bool client_request::wants_continue() const noexcept {
    if (!body.is_there()) return false;
    const client_field* said = find("expect");
    return said != nullptr ? equal_ignoring_case(said->value, "100-continue") : expect_continue;
}

bool is_idempotent(std::string_view name) noexcept {
    constexpr std::string_view all[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};
    return std::find(std::begin(all), std::end(all), name) != std::end(all);
}

std::string detail::fault_of(const client_request& asked) {
    if (!is_token(asked.method)) return fmt::format("'{}' is no method (RFC 9110, section 9.1)", asked.method);
    if (asked.method == "CONNECT") return "CONNECT asks a proxy for a tunnel, and is the client's to send";
    if (auto fault = asked.where.fault(); !fault.empty()) return fault;
    std::size_t hosts = 0;
    std::size_t lengths = 0;
    for (const client_field& each : asked.fields) {
        if (auto fault = fault_of_field(each, asked); !fault.empty()) return fault;
        if (equal_ignoring_case(each.name, "host")) ++hosts;
        if (equal_ignoring_case(each.name, "content-length")) ++lengths;
    }
    if (hosts > 1) return "a request has one Host field";
    if (lengths > 1) return "a request has one Content-Length field";
    return {};
}

void detail::write_head(std::string& head, const client_request& asked, target_form form, std::string_view extra) {
    head.reserve(usual_head + extra.size() + asked.where.target.size());
    head.assign(asked.method).append(" ");
    if (form == target_form::absolute) head.append(asked.where.scheme()).append("://").append(asked.where.authority());
    head.append(asked.where.target).append(" HTTP/1.1\r\n");
    // First, as RFC 9110, section 7.2, has it.
    const client_field* host = asked.find("host");
    if (host != nullptr)
        add(head, host->name, host->value);
    else if (asked.adds("host"))
        add(head, "Host", asked.where.authority());
    for (const client_field& each : asked.fields)
        if (&each != host) add(head, each.name, each.value);
    if (asked.where.user && asked.adds("authorization")) add(head, "Authorization", asked.where.user->basic());
    head.append(extra);
    if (asked.body.is_there() || expects_body(asked.method)) {
        const auto size = asked.body.size();
        if (!size)
            add(head, "Transfer-Encoding", "chunked");
        else if (asked.adds("content-length"))
            add(head, "Content-Length", std::to_string(*size));
    }
    if (asked.wants_continue() && asked.find("expect") == nullptr) add(head, "Expect", "100-continue");
    head.append("\r\n");
}

} // namespace tuyau::http
