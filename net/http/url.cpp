#include <tuyau/net/http/url.hpp>

#include <algorithm>

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
        const bool is_http = equal_ignoring_case(scheme, "http");
        if (!rest.starts_with("//")) {
            if (is_http && rest.starts_with('/')) refuse(colon + 2, "two slashes belong behind 'http:'");
            return; // a host and its port
        }
        if (equal_ignoring_case(scheme, "https"))
            refuse(0, "https is not supported by this version", url_error::kind::unsupported);
        if (!is_http)
            refuse(0, fmt::format("the scheme '{}' is not supported, only http is", scheme),
                   url_error::kind::unsupported);
        at_ = colon + 3;
    }

    void read_authority() {
        const std::size_t end = std::min(text_.find_first_of("/?#", at_), text_.size());
        const auto authority = text_.substr(at_, end - at_);
        if (const auto sign = authority.find('@'); sign != std::string_view::npos)
            refuse(at_ + sign, "user names and passwords do not go in the URL; send an Authorization field");
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

} // namespace

std::string url::authority() const {
    std::string text = host;
    if (host.find(':') != std::string::npos) text = fmt::format("[{}]", host.substr(0, host.find('%')));
    if (port != 80) text += fmt::format(":{}", port);
    return text;
}

tl::expected<url, url_error> parse_url(std::string_view text) {
    try {
        return reader(text).read();
    } catch (url_error& error) {
        return tl::unexpected(std::move(error));
    }
}

} // namespace tuyau::http
