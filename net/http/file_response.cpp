#include <tuyau/net/http/file_response.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include <tuyau/net/http/conditions.hpp>
#include <tuyau/net/http/content_coding.hpp>
#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/ranges.hpp>
#include <tuyau/net/http/text.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau::http {
namespace {

// Of a file: what is read before it is known that the file is still the same, and sent after that.
constexpr std::uint64_t last_size = 16 * 1024;

const representation& choose(const request& asked, const file_resource& found) {
    if (found.codings.empty()) return found.representations.front();
    const content_coding coding = choose_coding(asked, found.codings);
    const auto chosen = std::find_if(found.representations.begin(), found.representations.end(),
                                     [coding](const representation& each) { return each.coding == coding; });
    return *chosen;
}

/// What the request comes to for one representation.
struct choice {
    verdict conditions = verdict::perform;
    range_choice ranges;

    bool is_whole() const noexcept { return conditions == verdict::perform && ranges.kind == range_kind::whole; }
};

/// Whether any field of the request is one that a choice depends on.
bool is_special(const request_head& asked) noexcept {
    return std::any_of(asked.fields.begin(), asked.fields.end(), [](const field& each) {
        constexpr std::string_view conditions = "if-"; // of whatever kind
        return equal_ignoring_case(each.name.substr(0, conditions.size()), conditions) ||
               equal_ignoring_case(each.name, "range");
    });
}

/// The value of the Range field; empty also if there are several, which is malformed (RFC 9110, section 5.3).
std::string_view the_one_range(const request_head& asked) noexcept {
    std::string_view found;
    for (const field& each : asked.fields) {
        if (!equal_ignoring_case(each.name, "range")) continue;
        if (!found.empty()) return {};
        found = each.value;
    }
    return found;
}

choice choose(const request& asked, const representation& chosen) {
    if (!is_special(asked)) return {};
    const auto now = std::chrono::floor<std::chrono::seconds>(system::wall_time());
    const validators present{chosen.entity_tag, last_modified(chosen.status)};
    choice made;
    made.conditions = weigh_conditions(asked, present, now);
    const std::string_view range = the_one_range(asked);
    // Range means nothing to other methods (RFC 9110, section 14.2).
    if (!range.empty() && asked.method == HTTP_GET && range_applies(asked, present, now))
        made.ranges = choose_ranges(range, chosen.status.size);
    return made;
}

void describe(response& reply, const file_resource& found, const representation& chosen) {
    for (const auto& [name, value] : found.describe(chosen)) reply.add_field(name, value);
}

void describe_content(response& reply, const representation& chosen) {
    reply.add_field("Accept-Ranges", "bytes");
    if (chosen.coding != content_coding::identity) reply.add_field("Content-Encoding", name_of(chosen.coding));
}

/// Answers if no content is to be sent.
bool answer_without_content(response& reply, const choice& made, const file_resource& found,
                            const representation& chosen) {
    if (made.conditions == verdict::not_modified) {
        describe(reply, found, chosen);
        reply.set_status(304);
        reply.send();
        return true;
    }
    if (made.conditions == verdict::precondition_failed) {
        reply.send_error(412, "This is not the version that was asked for.");
        return true;
    }
    if (made.ranges.kind != range_kind::unsatisfiable) return false;
    reply.add_field("Content-Range", fmt::format("bytes */{}", chosen.status.size));
    reply.send_error(416, "There are no such bytes in what is here.");
    return true;
}

std::string content_range(const byte_range& part, std::uint64_t size) {
    return fmt::format("bytes {}-{}/{}", part.begin, part.begin + part.size - 1, size);
}

/// What is sent as the body: parts of the file, with text before each, and behind the last.
struct body_plan {
    std::string content_type;
    std::vector<byte_range> parts;
    std::vector<std::string> before; // each part; without any if there is one part
    std::string after;

    std::uint64_t size() const noexcept {
        std::uint64_t all = after.size();
        for (const byte_range& part : parts) all += part.size;
        for (const std::string& text : before) all += text.size();
        return all;
    }
};

/// Of a response with the fields that are special to it. Several parts go as RFC 9110, section 14.6, says.
body_plan plan_body(response& reply, choice made, const file_resource& found, const representation& chosen) {
    const std::uint64_t size = chosen.status.size;
    body_plan plan;
    plan.content_type = found.media_type;
    if (made.ranges.kind == range_kind::whole) {
        if (size != 0) plan.parts.push_back({0, size});
        return plan;
    }
    plan.parts = std::move(made.ranges.parts);
    reply.set_status(206);
    if (plan.parts.size() == 1) {
        reply.add_field("Content-Range", content_range(plan.parts.front(), size));
        return plan;
    }
    // The content may hold any line, so that no boundary is safe for sure; this one it holds only on purpose.
    const auto ticks = static_cast<std::uint64_t>(system::wall_time().time_since_epoch().count());
    const std::string boundary = fmt::format("{:016x}{:016x}", ticks * 0x9e3779b97f4a7c15u, size ^ ticks);
    for (const byte_range& part : plan.parts) {
        plan.before.push_back(fmt::format("{}--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
                                          plan.before.empty() ? "" : "\r\n", boundary, found.media_type,
                                          content_range(part, size)));
    }
    plan.after = fmt::format("\r\n--{}--\r\n", boundary);
    plan.content_type = "multipart/byteranges; boundary=" + boundary;
    return plan;
}

/// The bytes of `part`; false if the file has fewer by now, or the client is gone. The last bytes of the `last` part are
/// sent only if the file is still what it was when it was opened.
task<bool> send_part(response& reply, const representation& from, byte_range part, bool last) {
    const std::uint64_t held_back = last && from.copy == nullptr ? std::min<std::uint64_t>(part.size, last_size) : 0;
    const std::uint64_t size = part.size - held_back;
    if (size != 0) {
        auto sent = co_await reply.write_file(from.copy != nullptr ? *from.copy : from.opened, part.begin, size);
        if (!sent) co_return false;
    }
    if (held_back == 0) co_return true;
    std::string end(static_cast<std::size_t>(held_back), '\0');
    for (std::size_t done = 0; done != end.size();) {
        const auto rest = std::as_writable_bytes(std::span(end).subspan(done));
        auto came = co_await from.opened.read_at(part.begin + size + done, rest);
        if (!came || *came == 0) co_return false;
        done += static_cast<std::size_t>(*came);
    }
    if (from.opened.status() != from.status) co_return false;
    auto sent = co_await reply.write(end);
    co_return sent.has_value();
}

} // namespace

bool answer_from_memory(const request& asked, response& reply, const file_resource& found) {
    const representation& chosen = choose(asked, found);
    if (chosen.whole == nullptr) return false;
    const choice made = choose(asked, chosen);
    if (made.is_whole()) {
        reply.send(chosen.whole);
        return true;
    }
    if (chosen.content == nullptr) return false;
    if (answer_without_content(reply, made, found, chosen)) return true;
    describe(reply, found, chosen);
    describe_content(reply, chosen);
    const body_plan plan = plan_body(reply, made, found, chosen);
    std::string body;
    body.reserve(static_cast<std::size_t>(plan.size()));
    for (std::size_t index = 0; index < plan.parts.size(); ++index) {
        if (!plan.before.empty()) body.append(plan.before[index]);
        const byte_range& part = plan.parts[index];
        body.append(*chosen.content, static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.size));
    }
    body.append(plan.after);
    reply.send(plan.content_type, body);
    return true;
}

task<> answer_from_file(const request& asked, response& reply, const file_resource& found) {
    const representation& chosen = choose(asked, found);
    choice made = choose(asked, chosen);
    if (answer_without_content(reply, made, found, chosen)) co_return;
    describe(reply, found, chosen);
    describe_content(reply, chosen);
    const body_plan plan = plan_body(reply, std::move(made), found, chosen);
    reply.add_field("Content-Type", plan.content_type);
    reply.set_content_length(plan.size());
    if (asked.method == HTTP_HEAD || plan.parts.empty()) {
        co_await reply.begin();
        co_return;
    }
    for (std::size_t index = 0; index < plan.parts.size(); ++index) {
        if (!plan.before.empty()) {
            auto sent = co_await reply.write(plan.before[index]);
            if (!sent) co_return;
        }
        const bool last = index + 1 == plan.parts.size();
        const bool whole = co_await send_part(reply, chosen, plan.parts[index], last);
        if (!whole) co_return;
    }
    if (!plan.after.empty()) co_await reply.write(plan.after);
}

} // namespace tuyau::http
