#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <tuyau/net/http/client/client.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/task.hpp>

#include "support/scripted_server.hpp"

namespace tests {

/// Runs `work` on a loop of its own.
template <class T>
T on_a_loop(tuyau::task<T> work) {
    tuyau::loop here;
    hand_over();
    if constexpr (std::is_void_v<T>) {
        here.run(std::move(work));
        hand_over();
    } else {
        T value = here.run(std::move(work));
        hand_over();
        return value;
    }
}

/// What came of one request: the body to its end, or the error.
struct outcome {
    int status = 0;
    std::string body;
    std::string trailers;
    std::optional<tuyau::http::client_error> error;
};

inline tuyau::task<outcome> fetch(tuyau::http::client& client, tuyau::http::client_request asked) {
    outcome all;
    auto response = co_await client.send(std::move(asked));
    if (!response) {
        all.error = response.error();
        co_return all;
    }
    all.status = response->status();
    for (;;) {
        auto piece = co_await response->read();
        if (!piece) {
            all.error = piece.error();
            break;
        }
        if (piece->empty()) break;
        all.body += *piece;
    }
    all.trailers = response->trailer_text();
    co_return all;
}

inline tuyau::http::client_request request_of(const std::string& url, std::string method = "GET",
                                              tuyau::http::request_body body = {}) {
    tuyau::http::client_request asked;
    asked.method = std::move(method);
    asked.where = tuyau::http::parse_url(url).value();
    asked.body = std::move(body);
    return asked;
}

/// Whatever the environment says.
inline tuyau::http::client_options without_proxy() {
    tuyau::http::client_options options;
    options.proxies = {};
    return options;
}

/// One request by a client of its own.
inline outcome fetch_once(tuyau::http::client_request asked, tuyau::http::client_options options = without_proxy()) {
    return on_a_loop([](tuyau::http::client_request request, tuyau::http::client_options how) -> tuyau::task<outcome> {
        tuyau::http::client client(std::move(how));
        co_return co_await fetch(client, std::move(request));
    }(std::move(asked), std::move(options)));
}

inline outcome fetch_once(const std::string& url, tuyau::http::client_options options = without_proxy()) {
    return fetch_once(request_of(url), std::move(options));
}

} // namespace tests
