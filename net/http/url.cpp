#include <tuyau/net/http/url.hpp>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <tuyau/net/endpoint.hpp>
#include <tuyau/net/http/text.hpp>

namespace tuyau::http {
namespace {

constexpr std::size_t longest_host = 253; // RFC 1035, section 2.3.4, as a text without the last dot

bool is_letter(char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_scheme_character(char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }
bool is_name_character(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; }
bool is_zone_character(char c) { return is_name_character(c) || c == '~'; }
bool is_target_character(char c) { return c > ' ' && c < '\x7f'; }

std::string describe(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ' ') return "a space";
    if (is_target_character(c)) return fmt::format("'{}'", c);
    if (byte < 0x80) return fmt::format("the control character 0x{:02x}", byte);
    return fmt::format("the byte 0x{:02x}", byte);
}

/// Takes one URL apart from left to right; each step throws what it finds wrong.
class reader {
public:
    explicit reader(std::string_view text) : text_(text) {}

    url read() {
        read_scheme();
        read_authority();
        read_target();
        return std::move(url_);
    }

private:
    [[noreturn]] static void refuse(std::size_t offset, std::string why,
                                    url_error::kind what = url_error::kind::malformed) {
        throw url_error{what, offset, std::move(why)};
    }

    void read_scheme() {
        const auto colon = text_.find(':');
        const auto scheme = text_.substr(0, colon);
        if (colon == std::string_view::npos || scheme.empty() || !is_letter(scheme.front()) ||
            !std::all_of(scheme.begin(), scheme.end(), is_scheme_character))
            return;
        const auto rest = text_.substr(colon + 1);
        url_.secure = equal_ignoring_case(scheme, "https");
        const bool is_known = url_.secure || equal_ignoring_case(scheme, "http");
        if (!rest.starts_with("//")) {
            if (is_known && rest.starts_with('/'))
                refuse(colon + 2, fmt::format("two slashes belong behind '{}:'", url_.scheme()));
            url_.secure = false;
            return; // a host and its port
        }
        if (!is_known)
            refuse(0, fmt::format("the scheme '{}' is not supported, only http and https are", scheme),
                   url_error::kind::unsupported);
        url_.port = default_port(url_.secure);
        at_ = colon + 3;
    }

    void read_authority() {
        const std::size_t end = std::min(text_.find_first_of("/?#", at_), text_.size());
        const auto authority = text_.substr(at_, end - at_);
        if (const auto sign = authority.rfind('@'); sign != std::string_view::npos) {
            const auto colon = authority.find(':');
            const std::size_t middle = std::min(colon, sign);
            url_.user.emplace();
            url_.user->user = read_credential(at_, authority.substr(0, middle));
            if (middle < sign)
                url_.user->password =
                    read_credential(at_ + middle + 1, authority.substr(middle + 1, sign - middle - 1));
            at_ += sign + 1;
        }
        read_host(end);
    }

    /// Without its percent encoding.
    static std::string read_credential(std::size_t begin, std::string_view text) {
        std::string plain;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (!is_target_character(text[i]) || text[i] == '@')
                refuse(begin + i, fmt::format("{} does not belong in a user name or password (write it as %{:02X})",
                                              describe(text[i]), static_cast<unsigned char>(text[i])));
            if (text[i] != '%') {
                plain += text[i];
                continue;
            }
            unsigned byte = 0;
            const auto digits = text.substr(i + 1, 2);
            const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
            if (error != std::errc() || last != digits.data() + 2)
                refuse(begin + i, "two hexadecimal digits belong behind '%' (which itself is written as %25)");
            if (byte < ' ' || byte == 0x7f)
                refuse(begin + i, "a control character does not belong in a user name or password");
            plain += static_cast<char>(byte);
            i += 2;
        }
        return plain;
    }

    void read_host(std::size_t end) {
        const auto authority = text_.substr(at_, end - at_);
        if (authority.starts_with('['))
            read_ipv6(end);
        else
            read_name(end);
        if (at_ < end) read_port(end);
        at_ = end;
    }

    void read_name(std::size_t end) {
        const std::size_t begin = at_;
        while (at_ < end && is_name_character(text_[at_])) ++at_;
        if (at_ < end && text_[at_] != ':') {
            const bool foreign = static_cast<unsigned char>(text_[at_]) >= 0x80;
            refuse(at_, fmt::format("{} does not belong in a host name{}", describe(text_[at_]),
                                    foreign ? " (write it as the registries do, xn--…)" : ""));
        }
        if (at_ == begin) refuse(begin, "the host is missing");
        if (at_ - begin > longest_host) refuse(begin + longest_host, "the host name is too long");
        url_.host = text_.substr(begin, at_ - begin);
    }

    void read_ipv6(std::size_t end) {
        const std::size_t begin = at_ + 1;
        const std::size_t close = text_.find(']', begin);
        if (close == std::string_view::npos || close > end) refuse(at_, "the ']' after the IPv6 address is missing");
        const auto inside = text_.substr(begin, close - begin);
        const auto percent = inside.find('%');
        const auto address = endpoint::parse(inside.substr(0, percent), 0);
        if (!address || !address->is_ipv6()) refuse(begin, "this is not an IPv6 address");
        url_.host = inside.substr(0, percent);
        at_ = close + 1;
        if (percent != std::string_view::npos) {
            // RFC 6874 writes the zone's '%' as "%25"; a bare one is what people write.
            const std::size_t size = inside.substr(percent).starts_with("%25") ? 3 : 1;
            const auto zone = inside.substr(percent + size);
            if (zone.empty() || !std::all_of(zone.begin(), zone.end(), is_zone_character))
                refuse(begin + percent, "this is not the name of a network interface");
            url_.host.append("%").append(zone);
        }
        if (at_ < end && text_[at_] != ':')
            refuse(at_, fmt::format("{} does not belong after the IPv6 address", describe(text_[at_])));
    }

    void read_port(std::size_t end) {
        ++at_; // the colon
        if (at_ == end) return;
        unsigned port = 0;
        for (std::size_t i = at_; i < end; ++i) {
            if (!is_digit(text_[i])) refuse(i, fmt::format("{} does not belong in a port", describe(text_[i])));
            port = port * 10 + static_cast<unsigned>(text_[i] - '0');
            if (port > 65535) refuse(at_, "a port is at most 65535");
        }
        if (port == 0) refuse(at_, "nothing can listen on port 0");
        url_.port = static_cast<std::uint16_t>(port);
    }

    void read_target() {
        const auto target = text_.substr(at_, text_.find('#', at_) - at_);
        for (std::size_t i = 0; i < target.size(); ++i)
            if (!is_target_character(target[i]))
                refuse(at_ + i, fmt::format("{} does not belong here (write it as %{:02X})", describe(target[i]),
                                            static_cast<unsigned char>(target[i])));
        if (!target.starts_with('/'))
            url_.target = "/";
        else
            url_.target.clear();
        url_.target += target;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    url url_;
};

/// RFC 4648, section 4.
std::string to_base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto at = [&](std::size_t place) {
            return place < bytes.size() ? static_cast<unsigned char>(bytes[place]) : 0u;
        };
        const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
        for (int shift = 18; shift >= 0; shift -= 6) text += digits[group >> shift & 0x3f];
    }
    for (std::size_t i = 0; i < (3 - bytes.size() % 3) % 3; ++i) text[text.size() - 1 - i] = '=';
    return text;
}

} // namespace

std::string url::authority() const {
    std::string text = host;
    if (host.find(':') != std::string::npos) text = fmt::format("[{}]", host.substr(0, host.find('%')));
    if (port != default_port(secure)) text += fmt::format(":{}", port);
    return text;
}

std::string url::fault() const {
    const auto belongs_in_host = [](char c) { return is_zone_character(c) || c == ':' || c == '%'; };
    if (host.empty()) return "the host is missing";
    if (const auto bad = std::find_if_not(host.begin(), host.end(), belongs_in_host); bad != host.end())
        return fmt::format("{} does not belong in a host", describe(*bad));
    if (const auto bad = std::find_if_not(target.begin(), target.end(), is_target_character); bad != target.end())
        return fmt::format("{} does not belong in a path or query (write it as %{:02X})", describe(*bad),
                           static_cast<unsigned char>(*bad));
    if (!target.starts_with('/') && target != "*") return "a path begins with '/'";
    return {};
}

std::string url::to_string() const { return fmt::format("{}://{}{}", scheme(), authority(), target); }

bool url::same_origin(const url& other) const noexcept {
    return secure == other.secure && port == other.port && equal_ignoring_case(host, other.host);
}

std::string credentials::basic() const { return "Basic " + to_base64(user + ':' + password); }

tl::expected<url, url_error> parse_url(std::string_view text) {
    try {
        return reader(text).read();
    } catch (url_error& error) {
        return tl::unexpected(std::move(error));
    }
}

} // namespace tuyau::http
