#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include <tuyau/net/http/url.hpp>

namespace tuyau::http {

/// Which requests go through a proxy, and through which: by the rules of curl, for `from_environment` its variables.
///
/// A proxy is `[http[s]://][USER:PASSWORD@]HOST[:PORT]`, port 1080 unless it is https. Plain http is handed to it, https
/// goes through a tunnel that it makes.
struct proxy_settings {
    std::string http;  ///< for http; empty: none
    std::string https; ///< for https
    std::string all;   ///< where there is none for the scheme

    /// For whom there is no proxy: names, each with all below it, addresses, and networks as in 10.0.0.0/8, between commas
    /// or spaces; `*` for everybody.
    std::string none_for;

    bool always_tunnel = false; ///< for http too

    /// By `http_proxy` (in lower case only: a web server's CGI has the other from whoever asks), and `https_proxy`,
    /// `all_proxy`, `no_proxy`, or else the same in capitals.
    static proxy_settings from_environment();

    /// The proxy for `where`, nothing when there is none, or why what is set is no proxy.
    tl::expected<std::optional<url>, std::string> proxy_for(const url& where) const;
};

namespace detail {

/// Whether a list such as `proxy_settings::none_for` names the host.
bool is_listed(std::string_view list, std::string_view host);

} // namespace detail

} // namespace tuyau::http
