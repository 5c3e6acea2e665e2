#include <tuyau/net/http/router.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace tuyau::http {
namespace {

constexpr std::size_t most_parameters = 16;

/// The text up to the next slash, which is taken too. `ended` after the last.
std::string_view next_part(std::string_view& path, bool& ended) noexcept {
    const std::size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    ended = end == std::string_view::npos;
    path.remove_prefix(ended ? path.size() : end + 1);
    return part;
}

[[noreturn]] void reject(std::string_view pattern, std::string_view why) {
    throw std::invalid_argument(fmt::format("the route '{}' {}", pattern, why));
}

std::string allowed(std::vector<method> methods) {
    if (std::find(methods.begin(), methods.end(), HTTP_GET) != methods.end()) methods.push_back(HTTP_HEAD);
    methods.push_back(HTTP_OPTIONS);
    std::sort(methods.begin(), methods.end());
    methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
    std::string names;
    for (const method each : methods) names += fmt::format("{}{}", names.empty() ? "" : ", ", llhttp_method_name(each));
    return names;
}

} // namespace

void router::add(method wanted, std::string_view pattern, handler answer) {
    if (!pattern.starts_with('/')) reject(pattern, "does not begin with a slash");
    route added{wanted, {}, std::move(answer)};
    std::string_view left = pattern.substr(1);
    std::size_t parameters = 0;
    for (bool ended = false; !ended;) {
        std::string_view text = next_part(left, ended);
        kind what = kind::plain;
        if (text.starts_with('{') && text.ends_with('}')) {
            text = text.substr(1, text.size() - 2);
            what = text.ends_with("...") ? kind::rest : kind::name;
            if (what == kind::rest) text.remove_suffix(3);
            if (text.empty()) reject(pattern, "has a part without a name");
            if (what == kind::rest && !ended) reject(pattern, "has something behind '...}'");
            if (++parameters > most_parameters) reject(pattern, "has too many named parts");
        }
        if (text.find_first_of("{}") != std::string_view::npos) reject(pattern, "has a brace inside a part");
        added.parts.push_back({what, std::string(text)});
    }
    for (const route& each : routes_)
        if (each.wanted == wanted && each.parts == added.parts) reject(pattern, "is there already for this method");
    const auto is_less_particular = [&added](const route& other) {
        return std::lexicographical_compare(
            added.parts.begin(), added.parts.end(), other.parts.begin(), other.parts.end(),
            [](const part& one, const part& another) { return one.what < another.what; });
    };
    routes_.insert(std::find_if(routes_.begin(), routes_.end(), is_less_particular), std::move(added));
}

bool router::matches(const route& each, std::string_view path) noexcept {
    path.remove_prefix(1);
    bool ended = false;
    for (const part& expected : each.parts) {
        if (expected.what == kind::rest) return true;
        if (ended) return false;
        const std::string_view text = next_part(path, ended);
        if (expected.what == kind::plain ? text != expected.text : text.empty()) return false;
    }
    return ended;
}

task<> router::operator()(request& asked, response& reply) const {
    const std::string_view path = asked.path();
    std::vector<method> others;
    const route* chosen = nullptr;
    if (path.starts_with('/')) {
        for (const route& each : routes_) {
            if (!matches(each, path)) continue;
            const bool serves = each.wanted == asked.method ||
                                (each.wanted == HTTP_GET && asked.method == HTTP_HEAD && chosen == nullptr);
            if (each.wanted == asked.method) {
                chosen = &each;
                break;
            }
            if (serves) chosen = &each;
            others.push_back(each.wanted);
        }
    }
    if (chosen != nullptr) {
        std::array<field, most_parameters> parameters;
        std::size_t count = 0;
        std::string_view left = path.substr(1);
        bool ended = false;
        for (const part& each : chosen->parts) {
            const std::string_view text = each.what == kind::rest ? left : next_part(left, ended);
            if (each.what != kind::plain) parameters[count++] = {each.text, text};
        }
        asked.set_parameters(std::span(parameters).first(count));
        co_return co_await chosen->answer(asked, reply);
    }
    if (asked.method == HTTP_OPTIONS && (path == "*" || !others.empty())) {
        if (!others.empty()) reply.add_field("Allow", allowed(std::move(others)));
        reply.set_status(204);
        reply.send();
        co_return;
    }
    if (others.empty()) {
        reply.send_error(404, "There is nothing at this address.");
        co_return;
    }
    reply.add_field("Allow", allowed(std::move(others)));
    reply.send_error(405, "What is at this address cannot be asked for by this method.");
}

} // namespace tuyau::http
