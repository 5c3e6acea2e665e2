#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <catch2/catch_test_macros.hpp>

#include "runtime/helpers.hpp"

#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/task.hpp>

namespace tests {

/// Text in which every position can be told from its neighbours.
inline std::string numbered(std::size_t size) {
    std::string text;
    text.reserve(size + 16);
    for (std::size_t number = 0; text.size() < size; ++number) text += std::to_string(number) + ",";
    text.resize(size);
    return text;
}

/// Sends what the socket takes at once; how much that was.
inline std::size_t send_now(int fd, std::string_view text) {
    const ssize_t size = ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

inline void reset(int fd) {
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(fd);
}

inline tuyau::task<> receive_until_end(tuyau::tcp_stream& from, std::string& into) {
    for (;;) {
        auto data = co_await from.receive();
        if (!data) into.append("<").append(data.error().message()).append(">");
        if (!data || data->empty()) co_return;
        into += data->text();
    }
}

inline tuyau::task<> send_all(tuyau::tcp_stream& to, std::string_view text) {
    auto sent = co_await to.send(text);
    CHECK(sent);
    CHECK(to.shutdown_send());
}

inline tuyau::task<> note(tuyau::task<tuyau::result<tuyau::buffer>> work, std::string& outcome) {
    auto got = co_await std::move(work);
    outcome = !got           ? (tuyau::is_cancelled(got.error()) ? "cancelled" : got.error().message())
              : got->empty() ? "end"
                             : "data";
}

inline tuyau::task<tuyau::result<tuyau::buffer>> receive_from(tuyau::tcp_stream& stream) {
    co_return co_await stream.receive();
}

inline tuyau::task<tuyau::result<void>> send_to(tuyau::tcp_stream& stream, std::string_view text) {
    co_return co_await stream.send(text);
}

inline std::span<std::byte> space_in(std::string& text) { return std::as_writable_bytes(std::span(text)); }

} // namespace tests
