#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <liburing.h>
#include <sys/uio.h>

#include "file.hpp"
#include "timeline.hpp"

namespace simulation {

/// A request that the kernel has taken, until its last completion.
struct pending_request {
    explicit pending_request(const io_uring_sqe& made) : kept(new io_uring_sqe(made)) {}

    std::uint64_t id = 0;
    std::unique_ptr<const io_uring_sqe> kept; ///< it ends in an array without a size, which a class may not contain
    const io_uring_sqe& entry = *kept;
    std::shared_ptr<file> on;
    std::vector<iovec> pieces; ///< memory of the program's that it names
    std::string path;
    std::size_t done = 0;      ///< bytes of a send that goes on after a short one
    std::uint64_t content = 0; ///< of what is to be sent, as it was at the beginning
    bool multishot = false;
    bool started = false; ///< a connect has begun, a poll has looked once
    bool look_due = false;
    bool notification_due = false;
    instant last_data{}; ///< when a receive brought something
};

bool is_send(int operation) noexcept;
bool uses_descriptor(const io_uring_sqe& entry) noexcept;

/// May end at any time for no reason that concerns the program.
bool may_be_interrupted(int operation) noexcept;

/// A sum that differs when what is to be sent was changed meanwhile.
std::uint64_t sum_of(const std::vector<iovec>& pieces) noexcept;

std::size_t size_of(const std::vector<iovec>& pieces) noexcept;

/// What an entry names by its address.
template <class T>
T* pointer_to(std::uint64_t address) noexcept {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address)); // NOLINT(performance-no-int-to-ptr)
}

} // namespace simulation
