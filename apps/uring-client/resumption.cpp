#include "resumption.hpp"

#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/text.hpp>
#include <tuyau/runtime/system.hpp>

namespace uring_client {
namespace {

using tuyau::http::equal_ignoring_case;
using tuyau::http::response_head;
using tuyau::http::trim;

/// A date is a strong validator when the page was no longer new: RFC 9110, section 8.8.2.2.
bool is_strong_date(const response_head& head) {
    const auto now = std::chrono::floor<std::chrono::seconds>(tuyau::system::wall_time());
    const auto modified = tuyau::http::parse_date(head.value_of("last-modified"), now);
    const auto sent = tuyau::http::parse_date(head.value_of("date"), now);
    return modified && sent && *modified + std::chrono::seconds(1) <= *sent;
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

bool take(std::string_view& text, std::string_view front) {
    if (!text.starts_with(front)) return false;
    text.remove_prefix(front.size());
    return true;
}

/// Whether `bytes BEGIN-LAST/SIZE` is the rest of the page from `begin` on.
bool is_rest(std::string_view range, std::uint64_t begin) {
    if (!take(range, "bytes ")) return false;
    const auto first = take_number(range);
    if (!first || *first != begin || !take(range, "-")) return false;
    const auto last = take_number(range);
    if (!last || *last < begin || !take(range, "/")) return false;
    if (range == "*") return true;
    const auto size = take_number(range);
    return size && range.empty() && *size == *last + 1;
}

bool is_size(std::string_view range, std::uint64_t size) {
    if (!take(range, "bytes */")) return false;
    const auto told = take_number(range);
    return told && range.empty() && *told == size;
}

} // namespace

std::string validator_of(const response_head& head) {
    if (equal_ignoring_case(head.value_of("accept-ranges"), "none")) return {};
    const std::string_view tag = trim(head.value_of("etag"));
    if (tag.starts_with('"')) return std::string(tag);
    if (!tag.empty() || !is_strong_date(head)) return {};
    return std::string(head.value_of("last-modified"));
}

void ask_for_rest(tuyau::http::client_request& asked, std::uint64_t begin, const std::string& validator) {
    asked.fields.insert(asked.fields.begin(), {{"Range", fmt::format("bytes={}-", begin)}, {"If-Range", validator}});
}

continuation continuation_of(const response_head& head, std::uint64_t begin) {
    const auto range = trim(head.value_of("content-range"));
    if (head.status == 206) return is_rest(range, begin) ? continuation::goes_on : continuation::out_of_place;
    if (head.status == 416) return is_size(range, begin) ? continuation::has_all : continuation::out_of_place;
    return head.status == 200 ? continuation::begins_anew : continuation::out_of_place;
}

} // namespace uring_client
