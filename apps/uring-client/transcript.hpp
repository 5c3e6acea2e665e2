#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <tuyau/net/http/client/client_observer.hpp>
#include <tuyau/net/http/client/client_request.hpp>

#include "messages.hpp"

namespace uring_client {

/// What goes back and forth for one URL: said on standard error (-v), kept for the output (-i), and counted (-w).
class transcript final : public tuyau::http::client_observer {
public:
    transcript(messages& where, bool verbose, bool keeps_heads) noexcept
        : where_(where), verbose_(verbose), keeps_heads_(keeps_heads) {}

    /// Before each attempt.
    void begin(const tuyau::http::client_request& asked);

    void connected(const tuyau::http::connection_info& info) override;
    void sending(std::string_view head) override;
    void interim(const tuyau::http::response_head& head) override;
    void redirected(const tuyau::http::response_head& head, const tuyau::http::url& to) override;
    void retried(const tuyau::http::client_error& why) override;

    /// The head of the response that counts, the fields behind its body, and the size of that.
    void answered(const tuyau::http::response_head& head);
    void ended(std::string_view trailers, std::uint64_t body_size);

    /// Heads to be printed with the body, and none of them again.
    std::string take_heads();

    /// Bytes and counts, as -w tells them.
    struct counts {
        std::uint64_t request = 0;
        std::uint64_t heads = 0;
        std::uint64_t connections = 0;
        std::uint64_t redirects = 0;
        std::chrono::steady_clock::time_point last_redirect{};
    };
    const counts& counted() const noexcept { return counts_; }

private:
    void received(std::string_view lines);
    void say(std::string_view text);

    messages& where_;
    bool verbose_;
    bool keeps_heads_;
    std::string heads_;
    std::string body_; // that is sent, in words
    counts counts_;
};

} // namespace uring_client
