#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tuyau/net/http/connection.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// Which handler answers which request, by method and path: a handler itself.
///
///     http::router routes;
///     routes.add(HTTP_GET, "/users/{name}/photos/{rest...}", show_photo);
///     http::server server([&routes](http::request& asked, http::response& reply) { return routes(asked, reply); });
///
/// A pattern is parts between slashes. `{name}` stands for any one part that is not empty, `{name...}` at the end for all
/// that follow, slashes included, or nothing; what stands there is `request::parameter`, as it came: percent signs are not
/// decoded. Of several patterns that match, the one with a plain part where the other has a name is taken, from the left.
///
/// HEAD is answered by GET's handler where it has none of its own; OPTIONS, and methods that no route of the path has
/// (405), with an Allow; other paths with 404.
class router {
public:
    /// Throws `std::invalid_argument` for a pattern that is none, or is there already for the method.
    void add(method wanted, std::string_view pattern, handler answer);

    task<> operator()(request& asked, response& reply) const;

private:
    enum class kind : unsigned char { plain, name, rest }; // in the order in which they are tried
    struct part {
        kind what;
        std::string text;

        friend bool operator==(const part&, const part&) = default;
    };
    struct route {
        method wanted;
        std::vector<part> parts;
        handler answer;
    };

    static bool matches(const route& each, std::string_view path) noexcept;

    std::vector<route> routes_; // the more particular first
};

} // namespace tuyau::http
