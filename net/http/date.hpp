#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <tuyau/runtime/loop.hpp>

namespace tuyau::http {

/// `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110, section 5.6.7).
std::string format_date(std::chrono::sys_seconds when);

/// Reads a date in that form, or in one of the two obsolete ones; nothing if it is in none, or is no date. A year of two
/// digits is the one that is at most 50 years ahead of `now`.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text, std::chrono::sys_seconds now);

/// The value of a Date field, made anew once a second at most. For one loop.
class date_clock {
public:
    /// The text for the loop's present round. Valid until the next call.
    std::string_view now();

    /// A number that changes whenever the text does.
    unsigned long generation() const noexcept { return generation_; }

private:
    std::string text_;
    loop::clock::time_point valid_until_{};
    unsigned long generation_ = 0;
};

} // namespace tuyau::http
