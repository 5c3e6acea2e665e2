#include "meter.hpp"

#include <algorithm>
#include <cmath>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include <tuyau/runtime/system.hpp>

#include "terminal_text.hpp"

namespace uring_client {
namespace {

constexpr std::chrono::milliseconds between_two(200);

std::string size_in_words(double bytes) {
    constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes >= 1000 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
    return unit == 0 ? fmt::format("{:.0f} {}", bytes, units[unit]) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string time_in_words(double seconds) {
    constexpr double longest = 99 * 3600.0;
    if (!(seconds < longest)) return "--:--";
    const auto all = static_cast<unsigned>(std::ceil(seconds));
    if (all < 3600) return fmt::format("{:02}:{:02}", all / 60, all % 60);
    return fmt::format("{}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
}

unsigned columns() {
    winsize size{};
    constexpr unsigned usual = 80;
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : usual;
}

} // namespace

std::string meter_line(const std::string& name, std::uint64_t present, std::optional<std::uint64_t> total,
                       double bytes_a_second, unsigned width) {
    const auto now = static_cast<double>(present);
    std::string figures = size_in_words(now);
    if (total) figures += fmt::format(" of {}", size_in_words(static_cast<double>(*total)));
    figures += fmt::format("  {}/s", size_in_words(bytes_a_second));
    if (total && *total >= present && bytes_a_second > 0)
        figures += fmt::format("  {} left", time_in_words(static_cast<double>(*total - present) / bytes_a_second));
    constexpr std::size_t longest_name = 24;
    std::string line = fmt::format("{:.{}}  ", name, longest_name);
    const std::size_t taken = line.size() + figures.size();
    constexpr std::size_t least_bar = 10;
    constexpr std::size_t around_bar = 5; // brackets, two spaces, and the last column, which stays free
    if (total && *total != 0 && width >= taken + least_bar + around_bar) {
        const std::size_t room = std::min<std::size_t>(width - taken - around_bar, 40);
        const auto full =
            static_cast<std::size_t>(std::min(1.0, now / static_cast<double>(*total)) * static_cast<double>(room));
        line += fmt::format("[{:<{}}]  ", std::string(full, '='), room);
    }
    line += figures;
    if (line.size() >= width && width > 1) line.resize(width - 1);
    return line;
}

meter::meter(messages& where, std::string name, std::uint64_t before, std::optional<std::uint64_t> total)
    : where_(where), name_(in_one_line(name)), before_(before), total_(total), begun_(tuyau::system::now()),
      drawn_(begun_) {}

void meter::update(std::uint64_t received) {
    const auto now = tuyau::system::now();
    if (now - drawn_ < between_two || !where_.idle()) return;
    drawn_ = now;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    const double rate = static_cast<double>(received) / seconds;
    where_.draw(fmt::format("\r{}\x1b[K", meter_line(name_, before_ + received, total_, rate, columns())));
    is_shown_ = true;
}

void meter::clear() {
    if (std::exchange(is_shown_, false)) where_.draw("\r\x1b[K");
}

} // namespace uring_client
