#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <tuyau/net/http/client/any_stream.hpp>
#include <tuyau/net/http/client/connector.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/frame_pool.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http::detail {

/// Where a connection leads: requests with the same route may use the same connection.
struct route {
    bool secure = false;
    std::string host; // in lower case
    std::uint16_t port = 0;
    std::string proxy; // its URL with user and password; empty without one

    friend auto operator<=>(const route&, const route&) = default;
};

/// One connection of a client, with the memory that it receives into.
struct client_connection : frame_pool::pooled {
    any_stream stream;
    connection_info info;
    std::unique_ptr<std::byte[]> space;
    std::size_t space_size = 0;

    // While it is idle.
    const route* leads_to = nullptr;
    std::chrono::steady_clock::time_point idle_since{};
};

class connection_lease;

/// The connections of a client, in use and idle: so many to a host, so many in all; past that requests wait in the order
/// in which they came. Shared by the client and all that holds a connection. Belongs to one loop's thread.
class connection_pool final : public std::enable_shared_from_this<connection_pool>, private movable_timer {
public:
    connection_pool(std::size_t most, std::size_t most_per_host, std::chrono::milliseconds idle_time)
        : most_(most), most_per_host_(most_per_host), idle_time_(idle_time), room_(most) {}

    connection_pool(const connection_pool&) = delete;
    connection_pool& operator=(const connection_pool&) = delete;
    ~connection_pool() { close_idle(); }

    /// Room for a connection that leads to `there`, with an idle one in it if there is one that serves. An error is that
    /// the awaiting task was asked to stop.
    task<result<connection_lease>> acquire(const route& there);

    /// Closes all that are idle.
    void close_idle() noexcept;

    std::size_t idle() const noexcept { return idle_.size(); }
    std::size_t in_use() const noexcept { return most_ - room_.available(); }

private:
    friend class connection_lease;

    struct host {
        explicit host(std::size_t most) noexcept : room(most) {}
        semaphore room;
        std::size_t users = 0; // leases, and those who wait to have one
    };
    using place = std::map<route, host>::iterator;

    std::unique_ptr<client_connection> take_idle(const route& there) noexcept;
    void keep(place there, std::unique_ptr<client_connection> connection);
    void leave(place there) noexcept;
    void forget_if_unused(place there) noexcept;
    void drop_oldest() noexcept;
    void due() noexcept override;

    std::size_t most_;
    std::size_t most_per_host_;
    std::chrono::milliseconds idle_time_;
    std::map<route, host> hosts_;
    semaphore room_;
    std::vector<std::unique_ptr<client_connection>> idle_; // the longest idle first
};

/// A connection in use, or the room for one. What is not kept is closed.
class connection_lease {
public:
    connection_lease() noexcept = default;
    connection_lease(connection_lease&&) noexcept = default;
    connection_lease& operator=(connection_lease&& other) noexcept {
        if (this != &other) {
            release();
            pool_ = std::move(other.pool_);
            there_ = other.there_;
            has_host_ = std::exchange(other.has_host_, false);
            has_room_ = std::exchange(other.has_room_, false);
            connection_ = std::move(other.connection_);
        }
        return *this;
    }
    ~connection_lease() { release(); }

    client_connection* operator->() const noexcept { return connection_.get(); }
    bool has_connection() const noexcept { return connection_ != nullptr; }
    void fill(std::unique_ptr<client_connection> connection) noexcept { connection_ = std::move(connection); }

    /// Ends the lease; the connection, whose last response is whole, is closed in order.
    void finish() noexcept {
        if (connection_) connection_->stream.close_in_order();
        release();
    }

    /// Closes the connection; the room stays.
    void empty() noexcept { connection_.reset(); }

    /// Ends the lease; the connection may serve others.
    void keep();

    /// Ends the lease; the connection, if there is one, is closed.
    void release() noexcept;

private:
    friend class connection_pool;

    std::shared_ptr<connection_pool> pool_; // none: no lease
    connection_pool::place there_{};
    bool has_host_ = false;
    bool has_room_ = false;
    std::unique_ptr<client_connection> connection_;
};

} // namespace tuyau::http::detail
