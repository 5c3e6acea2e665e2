#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include <tuyau/net/http/answered.hpp>
#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/refusal.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/request_parser.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/net/http/response_batch.hpp>
#include <tuyau/net/http/server_limits.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/sync/mutex.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// What a program answers to requests: called on the loop's thread, once a request, in order. A plain function, a lambda
/// without captures, or an object that lives as long as the server; each call is a coroutine, whose frame is pooled.
using handler = std::function<task<>(request&, response&)>;

using failure_observer = std::function<void(const std::exception_ptr&)>;

/// Since the server was made.
struct server_counts {
    std::uint64_t connections = 0;
    std::uint64_t responses = 0;
    std::uint64_t handler_failures = 0;                   ///< exceptions that left a handler
    std::uint64_t incomplete_responses = 0;               ///< shorter than was announced, and broken off
    std::array<std::uint64_t, refusal_causes> refusals{}; ///< by cause
    std::uint64_t refused(refusal_cause cause) const noexcept { return refusals[static_cast<std::size_t>(cause)]; }
};

namespace detail {

class connection_base;

/// What a connection works with while requests are under way. It keeps its memory for the next connection.
struct desk : frame_pool::pooled {
    explicit desk(const request_limits& limits) noexcept : parser(limits) {}

    /// Bytes that it keeps for the next connection.
    std::size_t memory() const noexcept { return batch.memory() + leaving.memory(); }

    request_parser parser;
    response_batch batch;
    response_batch leaving; // what of the present response is being sent before that is whole
    mutex sending;          // who does that
    desk* next = nullptr; // of those that nobody uses
};

/// What the connections of one server share.
class server_state {
public:
    server_state(handler program, const server_limits& bounds) : answer(std::move(program)), limits(bounds) {}

    server_state(const server_state&) = delete;
    server_state& operator=(const server_state&) = delete;
    ~server_state() {
        while (idle_ != nullptr) take_desk();
    }

    std::unique_ptr<desk> take_desk() {
        if (idle_ == nullptr) [[unlikely]]
            return std::make_unique<desk>(limits.request);
        --idle_desks_;
        std::unique_ptr<desk> taken(std::exchange(idle_, idle_->next));
        kept_ -= taken->memory();
        return taken;
    }

    /// Its parser is at rest, and its batch empty.
    void give_back(std::unique_ptr<desk> used) noexcept {
        const std::size_t memory = used->memory();
        if (idle_desks_ == most_idle_desks || kept_ + memory > most_kept) return;
        ++idle_desks_;
        kept_ += memory;
        used->next = idle_;
        idle_ = used.release();
    }

    const handler answer;
    const server_limits limits;
    date_clock date;
    server_counts counts;
    response_observer observer;
    http::failure_observer failure_observer;
    bool draining = false;
    list<connection_base> connections;

private:
    // For as many as answer at once on a busy loop, and what they have made answers in.
    static constexpr std::size_t most_idle_desks = 512;
    static constexpr std::size_t most_kept = 2 * 1024 * 1024;

    desk* idle_ = nullptr;
    std::size_t idle_desks_ = 0;
    std::size_t kept_ = 0; // bytes that those keep
};

} // namespace detail

} // namespace tuyau::http
