#pragma once

#include <cstddef>

#include <llhttp.h>

namespace peer {

/// Counts one connection's requests by llhttp, as strict as uring-http and over the same bytes, and takes nothing else
/// from them: the least that parsing can cost.
class request_counter {
public:
    request_counter() noexcept;

    /// How many requests these bytes complete; -1 if they are malformed.
    int count(const char* bytes, std::size_t size) noexcept;

private:
    llhttp_t parser_;
};

} // namespace peer
