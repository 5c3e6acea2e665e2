#include <tuyau/net/http/client/connection_pool.hpp>

#include <algorithm>

#include <tuyau/runtime/loop.hpp>

namespace tuyau::http::detail {

task<result<connection_lease>> connection_pool::acquire(const route& there) {
    connection_lease lease;
    lease.there_ = hosts_.try_emplace(there, most_per_host_).first;
    host& at = lease.there_->second;
    ++at.users;
    lease.pool_ = shared_from_this();
    if (!at.room.try_acquire()) {
        auto admitted = co_await at.room.acquire();
        if (!admitted) co_return failure(admitted.error());
    }
    lease.has_host_ = true;
    if (!room_.try_acquire()) {
        auto admitted = co_await room_.acquire();
        if (!admitted) co_return failure(admitted.error());
    }
    lease.has_room_ = true;
    while ((lease.connection_ = take_idle(there))) {
        bool quiet = co_await lease.connection_->stream.is_quiet();
        if (quiet) break;
    }
    if (!lease.connection_ && !idle_.empty() && in_use() + idle_.size() > most_) drop_oldest();
    co_return lease;
}

/// The one that was used last: the others come to the end of their time.
std::unique_ptr<client_connection> connection_pool::take_idle(const route& there) noexcept {
    for (std::size_t i = idle_.size(); i-- > 0;) {
        if (*idle_[i]->leads_to != there) continue;
        auto connection = std::move(idle_[i]);
        idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
        return connection;
    }
    return nullptr;
}

void connection_pool::keep(place there, std::unique_ptr<client_connection> connection) {
    if (idle_time_.count() <= 0) return connection->stream.close_in_order();
    connection->leads_to = &there->first;
    connection->idle_since = loop::current().now();
    if (idle_.empty()) expires_at(connection->idle_since + idle_time_);
    idle_.push_back(std::move(connection));
}

void connection_pool::leave(place there) noexcept {
    --there->second.users;
    forget_if_unused(there);
}

void connection_pool::forget_if_unused(place there) noexcept {
    const auto leads_there = [&](const auto& each) { return each->leads_to == &there->first; };
    if (there->second.users == 0 && std::none_of(idle_.begin(), idle_.end(), leads_there)) hosts_.erase(there);
}

void connection_pool::drop_oldest() noexcept {
    const place there = hosts_.find(*idle_.front()->leads_to);
    idle_.front()->stream.close_in_order();
    idle_.erase(idle_.begin());
    forget_if_unused(there);
}

void connection_pool::close_idle() noexcept {
    while (!idle_.empty()) drop_oldest();
}

void connection_pool::due() noexcept {
    const auto now = loop::current().now();
    while (!idle_.empty() && idle_.front()->idle_since + idle_time_ <= now) drop_oldest();
    if (!idle_.empty()) expires_at(idle_.front()->idle_since + idle_time_);
}

void connection_lease::keep() {
    if (connection_) pool_->keep(there_, std::move(connection_));
    release();
}

void connection_lease::release() noexcept {
    connection_.reset();
    if (!pool_) return;
    if (std::exchange(has_room_, false)) pool_->room_.release();
    if (std::exchange(has_host_, false)) there_->second.room.release();
    pool_->leave(there_);
    pool_.reset();
}

} // namespace tuyau::http::detail
