#include "answers.hpp"

#include <charconv>
#include <string_view>

#include "../scenario.hpp"

/// The page that uring-http serves.
extern const std::string_view hello_page;

namespace simulation::scenarios {

bool answer::has(std::string_view line) const {
    return head.find(fmt::format("\r\n{}\r\n", line)) != std::string::npos;
}

action<std::optional<answer>> answer_reader::next(bool has_body) {
    std::size_t end;
    while ((end = bytes_.find("\r\n\r\n")) == std::string::npos)
        if (!co_await more()) co_return std::nullopt;
    answer got;
    got.head = bytes_.substr(0, end + 2);
    expect(got.head.starts_with("HTTP/1.1 "), "no answer begins like this: '{}'", got.head.substr(0, 40));
    std::from_chars(got.head.data() + 9, got.head.data() + 12, got.status);
    bytes_.erase(0, end + 4);
    if (got.status < 200) co_return co_await next(has_body);
    constexpr std::string_view name = "\r\nContent-Length: ";
    if (const auto place = got.head.find(name); place != std::string::npos)
        std::from_chars(got.head.data() + place + name.size(), got.head.data() + got.head.size(), got.length.emplace());
    expect(got.length || got.status == 204, "an answer without a length");
    is_within_ = true;
    const std::size_t size = has_body ? got.length.value_or(0) : 0;
    while (bytes_.size() < size)
        if (!co_await more()) co_return std::nullopt;
    is_within_ = false;
    got.body = bytes_.substr(0, size);
    bytes_.erase(0, size);
    co_return got;
}

action<bool> answer_reader::ends() {
    if (torn()) co_return false;
    const bool has_more = co_await more();
    co_return !has_more;
}

action<bool> answer_reader::more() {
    const std::string got = co_await from_.receive();
    bytes_ += got;
    co_return !got.empty();
}

void check_answer(const question& asked, const answer& got) {
    const std::string_view text = asked.text;
    const std::string_view begin = text.substr(0, text.find(" HTTP/"));
    expect(got.status == asked.status, "the answer to '{}' was {}", begin, got.status);
    const auto date = got.head.find("\r\nDate: ");
    const bool has_date = date != std::string::npos && got.head.find(" GMT\r\n", date) == date + 33;
    expect(has_date, "the answer to '{}' has no date: '{}'", begin, got.head);
    const bool says_how = got.has("Allow: GET, HEAD, OPTIONS");
    switch (got.status) {
    case 200:
        expect(got.length == hello_page.size(), "the page has {} bytes, and {} are told", hello_page.size(),
               got.length.value_or(0));
        expect(got.has("Content-Type: text/html; charset=utf-8"), "the page's head is '{}'", got.head);
        expect(!asked.has_body || got.body == hello_page, "what came is not the page");
        break;
    case 404:
        expect(got.body.starts_with("<!doctype html>") && got.body.ends_with("</html>\n") &&
                   got.body.find("404 Not Found") != std::string::npos,
               "the page that says that there is none is '{}'", got.body);
        break;
    case 204: expect(says_how && !got.length, "the answer to OPTIONS is '{}'", got.head); break;
    case 405:
        expect(says_how && got.body == "This page can be read, and nothing else.\n", "a 405 says '{}'", got.body);
        break;
    default: expect(false, "an answer with the status {}", got.status);
    }
}

} // namespace simulation::scenarios
