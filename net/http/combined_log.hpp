#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <tuyau/net/http/answered.hpp>
#include <tuyau/runtime/loop.hpp>

namespace tuyau::http {

/// Appends what became of a request to `log`, as one line of the combined format that Apache's and nginx's logs have:
///
///     192.0.2.1 - - [06/Nov/1994:08:49:37 +0000] "GET /a HTTP/1.1" 200 5 "http://example.org/" "curl/8.0"
///
/// What is not known is a dash; nobody is identified here, so that the second and third column always are. The status is
/// 499, as in nginx, where the client went away before there was one. Of what clients say, quotes, backslashes and bytes
/// that are no printable ASCII are spelled `\x22`: nothing in it ends a column or the line, or reaches a terminal.
void append_combined_line(std::string& log, const answered& what, std::string_view time);

/// `06/Nov/1994:08:49:37 +0000`, in the time zone of this machine (localtime(3)).
std::string format_log_time(std::chrono::sys_seconds when);

/// The present time in that form, made anew once a second at most. For one loop.
class log_clock {
public:
    /// For the loop's present round. Valid until the next call.
    std::string_view now();

private:
    std::string text_;
    loop::clock::time_point valid_until_{};
};

} // namespace tuyau::http
