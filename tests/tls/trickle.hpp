#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include <sys/uio.h>

#include <tuyau/net/tcp_stream.hpp>

namespace tests {

/// A transport that brings a byte at a time, whatever the network brings.
class trickle {
public:
    explicit trickle(tuyau::tcp_stream stream) noexcept : stream_(std::move(stream)) {}

    struct one_byte {
        char byte = 0;
        std::size_t size = 0;
        std::string_view text() const noexcept { return {&byte, size}; }
    };

    tuyau::task<tuyau::result<one_byte>> receive() {
        if (rest_.empty()) {
            auto received = co_await stream_.receive();
            if (!received) co_return tuyau::failure(received.error());
            rest_ = std::move(*received);
            if (rest_.empty()) co_return one_byte{};
        }
        const one_byte next{*rest_.data(), 1};
        rest_.remove_prefix(1);
        if (rest_.empty()) rest_.release();
        co_return next;
    }

    tuyau::task<bool> readable() {
        if (!rest_.empty()) co_return true;
        bool there = co_await stream_.readable();
        co_return there;
    }

    auto send(std::span<iovec> pieces) { return stream_.send(pieces); }
    tuyau::result<void> shutdown_send() { return stream_.shutdown_send(); }
    void close() { stream_.close(); }

private:
    tuyau::tcp_stream stream_;
    tuyau::buffer rest_;
};

} // namespace tests
