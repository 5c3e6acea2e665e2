#include <tuyau/net/http/refusal.hpp>

#include <array>

namespace tuyau::http {

std::string_view name_of(refusal_cause cause) noexcept {
    static constexpr std::array<std::string_view, refusal_causes> names{
        "none",
        "not HTTP",
        "malformed request line",
        "bad target",
        "target too long",
        "unknown method",
        "unknown version",
        "malformed field",
        "header too large",
        "too many fields",
        "bad Host",
        "bad length",
        "bad transfer coding",
        "unknown expectation",
        "malformed chunk",
        "body too large",
        "chunk framing too large",
        "too slow",
        "too many connections",
    };
    return names[static_cast<std::size_t>(cause)];
}

} // namespace tuyau::http
