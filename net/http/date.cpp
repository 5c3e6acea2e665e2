#include <tuyau/net/http/date.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace tuyau::http {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                    "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Takes a date apart from its front; what is amiss once, all of it is.
class date_reader {
public:
    explicit date_reader(std::string_view text) noexcept : rest_(text) {}

    bool failed() const noexcept { return failed_; }
    bool complete() const noexcept { return !failed_ && rest_.empty(); }

    bool take_if(std::string_view expected) noexcept {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    void take(std::string_view expected) noexcept { failed_ = failed_ || !take_if(expected); }

    template <std::size_t Size>
    bool take_one_of(const std::array<std::string_view, Size>& names, unsigned& index) noexcept {
        for (index = 0; index < Size; ++index)
            if (take_if(names[index])) return true;
        return false;
    }

    /// Exactly so many digits; a space may stand for the first if that is said.
    int number(std::size_t digits, bool space_padded = false) noexcept {
        int value = 0;
        for (; digits != 0; --digits, rest_.remove_prefix(1)) {
            const char c = rest_.empty() ? '\0' : rest_.front();
            const bool padding = space_padded && c == ' ';
            space_padded = false;
            if (failed_ || (!padding && (c < '0' || c > '9'))) {
                failed_ = true;
                return 0;
            }
            value = value * 10 + (padding ? 0 : c - '0');
        }
        return value;
    }

    month month_name() noexcept {
        unsigned index = 0;
        failed_ = failed_ || !take_one_of(months, index);
        return month(index + 1);
    }

    seconds time_of_day() noexcept {
        const int hour = number(2);
        take(":");
        const int minute = number(2);
        take(":");
        const int second = number(2);
        failed_ = failed_ || hour > 23 || minute > 59 || second > 60; // a leap second
        return hours(hour) + minutes(minute) + seconds(second);
    }

private:
    std::string_view rest_;
    bool failed_ = false;
};

} // namespace

std::string format_date(sys_seconds when) {
    const sys_days midnight = floor<std::chrono::days>(when);
    const year_month_day date(midnight);
    const hh_mm_ss time(when - midnight);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[weekday(midnight).c_encoding()],
                       static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                       static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                       time.seconds().count());
}

std::optional<sys_seconds> parse_date(std::string_view text, sys_seconds now) {
    date_reader from(text);
    unsigned name = 0;
    day on{};
    month in{};
    int of = 0;
    seconds at{};
    if (from.take_one_of(long_days, name)) { // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
        from.take(", ");
        on = day(static_cast<unsigned>(from.number(2)));
        from.take("-");
        in = from.month_name();
        from.take("-");
        const int present = static_cast<int>(year_month_day(floor<std::chrono::days>(now)).year());
        of = present - present % 100 + from.number(2);
        if (of > present + 50) of -= 100;
        from.take(" ");
        at = from.time_of_day();
        from.take(" GMT");
    } else if (from.take_one_of(days, name)) {
        if (from.take_if(", ")) { // IMF-fixdate
            on = day(static_cast<unsigned>(from.number(2)));
            from.take(" ");
            in = from.month_name();
            from.take(" ");
            of = from.number(4);
            from.take(" ");
            at = from.time_of_day();
            from.take(" GMT");
        } else { // asctime(3): Sun Nov  6 08:49:37 1994
            from.take(" ");
            in = from.month_name();
            from.take(" ");
            on = day(static_cast<unsigned>(from.number(2, true)));
            from.take(" ");
            at = from.time_of_day();
            from.take(" ");
            of = from.number(4);
        }
    }
    const year_month_day date(year(of), in, on);
    if (!from.complete() || !date.ok()) return std::nullopt;
    return sys_days(date) + at;
}

std::string_view date_clock::now() {
    const auto present = loop::current().now();
    if (present >= valid_until_) {
        const auto wall = system::wall_time();
        const auto second = floor<seconds>(wall);
        text_ = format_date(second);
        valid_until_ = present + duration_cast<loop::clock::duration>(second + seconds(1) - wall);
        ++generation_;
    }
    return text_;
}

} // namespace tuyau::http
