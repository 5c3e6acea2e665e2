#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include <sys/uio.h>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// Sends bytes of a file over a stream of any kind, by reading them first: from `position` on, `most` at most; how many.
/// `io_error` if the file ends before the first of them.
template <class Stream>
task<result<std::size_t>> send_copied(Stream& to, const file& from, std::uint64_t position, std::uint64_t most) {
    // Enough that requests for pieces cost little beside copying them, and small enough to stay in a processor's cache in
    // between.
    constexpr std::size_t largest = 64 * 1024;
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(most, largest));
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
    const std::span<std::byte> space(memory.get(), size);
    auto came = co_await from.read_at(position, space);
    if (!came) co_return failure(came.error());
    if (*came == 0) co_return failure(std::errc::io_error);
    iovec piece{memory.get(), static_cast<std::size_t>(*came)};
    const std::span<iovec> pieces(&piece, 1);
    auto sent = co_await to.send(pieces);
    if (!sent) co_return failure(sent.error());
    co_return static_cast<std::size_t>(*came);
}

} // namespace tuyau
