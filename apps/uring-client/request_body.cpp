#include "request_body.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "failure.hpp"
#include "multipart.hpp"
#include "percent_encoded.hpp"

namespace uring_client {
namespace {

using kind = data_option::kind;

/// As forms have it, and curl.
std::string form_encoded(std::string_view text) {
    std::string encoded;
    for (;;) {
        const auto space = text.find(' ');
        encoded += percent_encoded(text.substr(0, space));
        if (space == std::string_view::npos) return encoded;
        encoded += '+';
        text.remove_prefix(space + 1);
    }
}

/// `content`, `=content`, `name=content`, `@file` or `name@file`.
tuyau::task<std::string> read_urlencoded(std::string text) {
    const auto sign = text.find_first_of("=@");
    if (sign == std::string::npos) co_return form_encoded(text);
    std::string content = text.substr(sign + 1);
    if (text[sign] == '@') content = co_await read_whole(std::move(content));
    co_return (sign == 0 ? std::string() : text.substr(0, sign) + "=") + form_encoded(content);
}

tuyau::task<std::string> read_one(data_option option) {
    if (option.what == kind::urlencoded) co_return co_await read_urlencoded(std::move(option.value));
    if (option.what == kind::raw || !option.value.starts_with('@')) co_return std::move(option.value);
    std::string text = co_await read_whole(option.value.substr(1));
    if (option.what == kind::text) std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
    co_return text;
}

} // namespace

std::optional<std::uint64_t> body::size() const {
    if (content) return content->size();
    return text ? text->size() : 0;
}

tuyau::http::request_body body::to_send() const {
    if (content) return std::make_shared<composed_body>(content);
    return text ? tuyau::http::request_body::borrowed(*text) : tuyau::http::request_body();
}

tuyau::task<std::string> read_data(std::vector<data_option> data) {
    std::string all;
    for (std::size_t i = 0; i < data.size(); ++i) {
        if (i != 0 && data[i].what != kind::json) all += '&';
        const std::string text = co_await read_one(std::move(data[i]));
        all += text;
    }
    co_return all;
}

tuyau::task<body> read_body(message_options options) {
    body made;
    if (!options.form.empty()) {
        multipart form;
        for (const std::string& each : options.form) co_await form.add(each);
        made.content_type = form.content_type();
        made.content = form.finish();
    } else if (!options.upload.empty()) {
        auto file = co_await open_input(options.upload);
        made.content = std::make_shared<composition>();
        made.content->add(std::move(file));
    } else if (!options.data.empty() && !options.data_in_query) {
        const bool json = options.data.front().what == kind::json;
        made.content_type = json ? "application/json" : "application/x-www-form-urlencoded";
        made.text = co_await read_data(std::move(options.data));
    }
    co_return made;
}

} // namespace uring_client
