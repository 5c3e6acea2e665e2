#include <tuyau/net/http/combined_log.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include <tuyau/runtime/system.hpp>

namespace tuyau::http {
namespace {

bool is_plain(char c) noexcept { return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'; }

void append_escaped(std::string& log, std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    while (!text.empty()) {
        std::size_t plain = 0;
        while (plain < text.size() && is_plain(text[plain])) ++plain;
        log.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.empty()) return;
        const auto byte = static_cast<unsigned char>(text.front());
        log.append({'\\', 'x', digits[byte / 16], digits[byte % 16]});
        text.remove_prefix(1);
    }
}

void append_quoted(std::string& log, std::string_view text) {
    log.append(" \"");
    if (text.empty())
        log.push_back('-');
    else
        append_escaped(log, text);
    log.push_back('"');
}

void append_number(std::string& log, std::uint64_t number) {
    std::array<char, 24> text; // 2^64 has 20 digits
    const auto written = std::to_chars(text.data(), text.data() + text.size(), number);
    log.push_back(' ');
    log.append(text.data(), written.ptr);
}

void append_request_line(std::string& log, const request_head* asked) {
    if (asked == nullptr || asked->target.empty()) return append_quoted(log, {});
    log.append(" \"").append(llhttp_method_name(asked->method)).push_back(' ');
    append_escaped(log, asked->target);
    log.append(" HTTP/1.").push_back(static_cast<char>('0' + asked->minor_version));
    log.push_back('"');
}

} // namespace

void append_combined_line(std::string& log, const answered& what, std::string_view time) {
    constexpr int went_away = 499;
    log.append(what.client.empty() ? "-" : what.client).append(" - - [").append(time).push_back(']');
    append_request_line(log, what.asked);
    append_number(log, static_cast<std::uint64_t>(what.status == 0 ? went_away : what.status));
    append_number(log, what.body_size);
    append_quoted(log, what.asked == nullptr ? std::string_view() : what.asked->value_of("referer"));
    append_quoted(log, what.asked == nullptr ? std::string_view() : what.asked->value_of("user-agent"));
    log.push_back('\n');
}

std::string format_log_time(std::chrono::sys_seconds when) {
    constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = when.time_since_epoch().count();
    std::tm local{};
    localtime_r(&seconds, &local);
    const long offset = std::labs(local.tm_gmtoff) / 60;
    return fmt::format("{:02}/{}/{}:{:02}:{:02}:{:02} {}{:02}{:02}", local.tm_mday,
                       months[static_cast<std::size_t>(local.tm_mon)], 1900 + local.tm_year, local.tm_hour,
                       local.tm_min, local.tm_sec, local.tm_gmtoff < 0 ? '-' : '+', offset / 60, offset % 60);
}

std::string_view log_clock::now() {
    const auto present = loop::current().now();
    if (present >= valid_until_) {
        const auto wall = system::wall_time();
        const auto second = std::chrono::floor<std::chrono::seconds>(wall);
        text_ = format_log_time(second);
        valid_until_ =
            present + std::chrono::duration_cast<loop::clock::duration>(second + std::chrono::seconds(1) - wall);
    }
    return text_;
}

} // namespace tuyau::http
