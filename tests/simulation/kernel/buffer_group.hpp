#pragma once

#include <cstdint>
#include <deque>
#include <set>

#include <liburing.h>

#include "kernel.hpp"

namespace simulation {

/// Buffers that the program has lent for receives to pick from (io_uring_register_buf_ring(3)).
class buffer_group {
public:
    buffer_group(kernel& owner, io_uring_buf_ring* shared, unsigned entries);
    ~buffer_group();
    buffer_group(const buffer_group&) = delete;

    struct lent {
        std::uint16_t id;
        char* start;
        std::size_t size;
    };

    /// Takes what the program has added: nobody but the kernel may touch it until a completion gives it back.
    void take_in();
    bool empty() const noexcept { return lent_.empty(); }
    lent pick();

    /// What was picked and not used.
    void put_back(const lent& unused);

    /// How many of those that it ever had are not there now.
    std::size_t away();

private:
    kernel& kernel_;
    io_uring_buf_ring* shared_;
    unsigned entries_;
    std::uint16_t seen_ = 0;
    std::size_t known_ = 0; // ids are given in order
    std::deque<lent> lent_;
    std::set<std::uint16_t> ids_;
};

} // namespace simulation
