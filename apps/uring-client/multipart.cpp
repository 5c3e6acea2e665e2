#include "multipart.hpp"

#include <filesystem>
#include <optional>
#include <random>

#include <fmt/format.h>

#include <tuyau/net/http/text.hpp>

#include "failure.hpp"

namespace uring_client {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw failure(exit_code::usage, why); }

/// One -F, taken apart.
struct part {
    enum class kind { value, attachment, text_of_file };
    std::string name;
    kind what = kind::value;
    std::string content; ///< or the path
    std::optional<std::string> type;
    std::optional<std::string> filename;
};

/// Takes `;key=value` from the end, if it is there: a value may contain semicolons itself.
std::optional<std::string> take_parameter(std::string& text, std::string_view key) {
    const std::string mark = fmt::format(";{}=", key);
    const auto at = text.rfind(mark);
    if (at == std::string::npos) return std::nullopt;
    std::string value = text.substr(at + mark.size());
    if (value.find(';') != std::string::npos) return std::nullopt;
    text.resize(at);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return value;
}

part take_apart(const std::string& option) {
    const auto equals = option.find('=');
    if (equals == 0 || equals == std::string::npos) refuse(fmt::format("-F takes 'NAME=VALUE', not '{}'", option));
    part taken{option.substr(0, equals), part::kind::value, option.substr(equals + 1), {}, {}};
    for (int i = 0; i < 2; ++i) { // in either order
        if (!taken.type) taken.type = take_parameter(taken.content, "type");
        if (!taken.filename) taken.filename = take_parameter(taken.content, "filename");
    }
    if (taken.type)
        for (const char each : *taken.type)
            if (tuyau::http::is_control_character(each)) refuse("-F: a type cannot contain control characters");
    if (taken.content.starts_with('@')) taken.what = part::kind::attachment;
    if (taken.content.starts_with('<')) taken.what = part::kind::text_of_file;
    if (taken.what != part::kind::value) taken.content.erase(0, 1);
    return taken;
}

/// As browsers write it between quotes (HTML, "multipart form data").
std::string in_quotes(std::string_view text) {
    std::string result;
    for (const char each : text) {
        if (each == '"')
            result += "%22";
        else if (each == '\r')
            result += "%0D";
        else if (each == '\n')
            result += "%0A";
        else
            result += each;
    }
    return result;
}

} // namespace

multipart::multipart() : boundary_(24, '-') {
    std::random_device random;
    boundary_ += fmt::format("{:08x}{:08x}", random(), random());
}

tuyau::task<> multipart::add(std::string option) {
    part taken = take_apart(option);
    std::string head =
        fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"", boundary_, in_quotes(taken.name));
    if (taken.what == part::kind::attachment) {
        if (!taken.filename) taken.filename = std::filesystem::path(taken.content).filename().string();
        if (!taken.type) taken.type = "application/octet-stream";
    }
    if (taken.filename) head += fmt::format("; filename=\"{}\"", in_quotes(*taken.filename));
    if (taken.type) head += fmt::format("\r\nContent-Type: {}", *taken.type);
    content_->add(head + "\r\n\r\n");
    if (taken.what == part::kind::value) {
        content_->add(taken.content + "\r\n");
        co_return;
    }
    input_file file = co_await open_input(taken.content);
    content_->add(std::move(file));
    content_->add(std::string("\r\n"));
}

std::string multipart::content_type() const { return "multipart/form-data; boundary=" + boundary_; }

std::shared_ptr<composition> multipart::finish() {
    content_->add(fmt::format("--{}--\r\n", boundary_));
    return content_;
}

} // namespace uring_client
