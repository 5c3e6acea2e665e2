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

/// How many bytes `bytes BEGIN-LAST/SIZE` promises, if they are the rest of the page from `begin` on. A SIZE of `*` does
/// not tell whether they are.
std::optional<std::uint64_t> size_of_rest(std::string_view range, std::uint64_t begin) {
    if (!take(range, "bytes ")) return std::nullopt;
    const auto first = take_number(range);
    if (!first || *first != begin || !take(range, "-")) return std::nullopt;
    const auto last = take_number(range);
    if (!last || *last < begin || !take(range, "/")) return std::nullopt;
    const auto size = take_number(range);
    if (!size || !range.empty() || *size == 0 || *size - 1 != *last) return std::nullopt;
    return *size - begin;
}

bool is_size(std::string_view range, std::uint64_t size) {
    if (!take(range, "bytes */")) return false;
    const auto told = take_number(range);
    return told && range.empty() && *told == size;
}

/// Parts are put together under the same strong validator alone (RFC 9110, section 15.3.7.3). One that is not repeated has
/// been compared by the server.
bool is_of_same_page(const response_head& head, std::string_view validator) {
    const auto told = trim(head.value_of(validator.starts_with('"') ? "etag" : "last-modified"));
    return told.empty() || told == validator;
}

} // namespace

std::string validator_of(const response_head& head) {
    if (equal_ignoring_case(head.value_of("accept-ranges"), "none")) return {};
    const std::string_view tag = trim(head.value_of("etag"));
    if (tag.starts_with('"')) return std::string(tag);
    if (!tag.empty() || !is_strong_date(head)) return {};
    return std::string(trim(head.value_of("last-modified")));
}

void ask_for_rest(tuyau::http::client_request& asked, std::uint64_t begin, const std::string& validator) {
    asked.fields.insert(asked.fields.begin(), {{"Range", fmt::format("bytes={}-", begin)}, {"If-Range", validator}});
}

continuation continuation_of(const response_head& head, std::optional<std::uint64_t> body_size, std::uint64_t begin,
                             const std::string& validator) {
    using kind = continuation::kind;
    const auto range = trim(head.value_of("content-range"));
    if (head.status == 200) return {kind::begins_anew};
    if (head.status == 416 && is_size(range, begin)) return {kind::has_all};
    if (head.status != 206 || !is_of_same_page(head, validator)) return {kind::out_of_place};
    const auto rest = size_of_rest(range, begin);
    if (!rest || body_size.value_or(*rest) != *rest) return {kind::out_of_place};
    return {kind::goes_on, *rest};
}

} // namespace uring_client
