#include <tuyau/net/http/date.hpp>

#include <chrono>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace tuyau::http {

std::string_view date_clock::now() {
    const auto present = loop::current().now();
    if (present >= valid_until_) {
        const auto wall = system::wall_time();
        const auto second = std::chrono::floor<std::chrono::seconds>(wall);
        // {:%a} and {:%b} of {fmt} follow the C locale, whose names are the English ones that the format asks for.
        text_ = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(std::chrono::system_clock::to_time_t(second)));
        valid_until_ =
            present + std::chrono::duration_cast<loop::clock::duration>(second + std::chrono::seconds(1) - wall);
        ++generation_;
    }
    return text_;
}

} // namespace tuyau::http
