#include "percent_encoded.hpp"

#include <fmt/format.h>

namespace uring_client {

std::string percent_encoded(std::string_view text) {
    constexpr std::string_view unreserved = "-._~"; // beside letters and digits
    std::string encoded;
    for (const char each : text) {
        const bool plain = (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') ||
                           (each >= 'A' && each <= 'Z') || unreserved.find(each) != std::string_view::npos;
        if (plain)
            encoded += each;
        else
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(each));
    }
    return encoded;
}

} // namespace uring_client
