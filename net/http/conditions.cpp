#include <tuyau/net/http/conditions.hpp>

#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

using std::chrono::sys_seconds;

constexpr std::string_view weak_mark = "W/";

std::string_view opaque_part(std::string_view tag) noexcept {
    if (tag.starts_with(weak_mark)) tag.remove_prefix(weak_mark.size());
    return tag;
}

enum class comparison { strong, weak }; // RFC 9110, section 8.8.3.2

bool equal(std::string_view one, std::string_view other, comparison how) noexcept {
    if (how == comparison::strong && (one.starts_with(weak_mark) || other.starts_with(weak_mark))) return false;
    return opaque_part(one) == opaque_part(other);
}

/// Takes the next tag of a list; empty at its end, or where something else stands. A comma may be part of a tag.
std::string_view take_tag(std::string_view& list) noexcept {
    while (!list.empty() && (list.front() == ',' || is_white_space(list.front()))) list.remove_prefix(1);
    const std::size_t begin = list.starts_with(weak_mark) ? weak_mark.size() : 0;
    if (list.size() <= begin || list[begin] != '"') return {};
    const std::size_t end = list.find('"', begin + 1);
    if (end == std::string_view::npos) return {};
    const std::string_view tag = list.substr(0, end + 1);
    list.remove_prefix(tag.size());
    return tag;
}

/// Whether one of all the fields of that name lists the tag, or is `*`. Several fields are one list (section 5.3).
bool lists_tag(const request_head& asked, std::string_view name, std::string_view tag, comparison how) noexcept {
    for (const field& each : asked.fields) {
        if (!equal_ignoring_case(each.name, name)) continue;
        if (each.value == "*") return true;
        std::string_view list = each.value;
        for (auto next = take_tag(list); !next.empty(); next = take_tag(list))
            if (!tag.empty() && equal(next, tag, how)) return true;
    }
    return false;
}

bool has_field(const request_head& asked, std::string_view name) noexcept {
    for (const field& each : asked.fields)
        if (equal_ignoring_case(each.name, name)) return true;
    return false;
}

/// Nothing also if there is more than one such field.
std::optional<sys_seconds> date_of(const request_head& asked, std::string_view name, sys_seconds now) {
    std::string_view found;
    for (const field& each : asked.fields) {
        if (!equal_ignoring_case(each.name, name)) continue;
        if (!found.empty()) return std::nullopt;
        found = each.value;
    }
    return parse_date(found, now);
}

bool reads(const request_head& asked) noexcept { return asked.method == HTTP_GET || asked.method == HTTP_HEAD; }

} // namespace

verdict weigh_conditions(const request_head& asked, const validators& present, sys_seconds now) {
    if (has_field(asked, "if-match")) {
        if (!lists_tag(asked, "if-match", present.entity_tag, comparison::strong)) return verdict::precondition_failed;
    } else if (present.modified) {
        const auto since = date_of(asked, "if-unmodified-since", now);
        if (since && *present.modified > *since) return verdict::precondition_failed;
    }
    if (has_field(asked, "if-none-match")) {
        if (lists_tag(asked, "if-none-match", present.entity_tag, comparison::weak))
            return reads(asked) ? verdict::not_modified : verdict::precondition_failed;
    } else if (present.modified && reads(asked)) {
        const auto since = date_of(asked, "if-modified-since", now);
        if (since && *present.modified <= *since) return verdict::not_modified;
    }
    return verdict::perform;
}

bool range_applies(const request_head& asked, const validators& present, sys_seconds now) {
    if (!has_field(asked, "if-range")) return true;
    std::string_view value = asked.value_of("if-range");
    if (value.starts_with('"') || value.starts_with(weak_mark))
        return !present.entity_tag.empty() && equal(value, present.entity_tag, comparison::strong);
    const auto date = date_of(asked, "if-range", now);
    // A second in which something is changed may see two states of it (section 8.8.2.2).
    return date && present.modified && *date == *present.modified && now - *date >= std::chrono::seconds(1);
}

} // namespace tuyau::http
