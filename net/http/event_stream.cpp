#include <tuyau/net/http/event_stream.hpp>

#include <iterator>

#include <fmt/format.h>

namespace tuyau::http {
namespace {

void append_lines(std::string& text, std::string_view prefix, std::string_view lines) {
    for (bool ended = false; !ended;) {
        const std::size_t end = lines.find_first_of("\r\n");
        ended = end == std::string_view::npos;
        text.append(prefix).append(lines.substr(0, end)).append("\n");
        if (!ended) lines.remove_prefix(lines.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
    }
}

bool is_one_line(std::string_view text) noexcept { return text.find_first_of("\r\n") == std::string_view::npos; }

} // namespace

event_stream::event_stream(response& reply) : reply_(reply) {
    reply.add_field("Content-Type", "text/event-stream");
    reply.add_field("Cache-Control", "no-store");
}

task<result<void>> event_stream::send(server_event event) {
    if (!is_one_line(event.type) || !is_one_line(event.id) || event.id.find('\0') != std::string_view::npos)
        co_return failure(std::errc::invalid_argument);
    text_.clear();
    if (!event.type.empty()) append_lines(text_, "event: ", event.type);
    if (!event.id.empty()) append_lines(text_, "id: ", event.id);
    if (event.retry) fmt::format_to(std::back_inserter(text_), "retry: {}\n", event.retry->count());
    append_lines(text_, "data: ", event.data);
    co_return co_await send_text();
}

task<result<void>> event_stream::send_comment(std::string_view text) {
    text_.clear();
    append_lines(text_, ": ", text);
    co_return co_await send_text();
}

task<result<void>> event_stream::send_text() {
    text_.push_back('\n');
    return reply_.write(text_);
}

} // namespace tuyau::http
