#pragma once

#include <cstddef>
#include <string>

#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau {

/// Reads a stream line by line, however the network cut it. Lines end with LF or CR LF, which are not part of them.
///
/// Borrows the stream, which must outlive it and be received from by nobody else. Keeps one line at most.
class line_reader {
public:
    explicit line_reader(tcp_stream& stream, std::size_t longest = 8192) noexcept
        : stream_(stream), longest_(longest) {}

    /// The next line. At the end of the stream `std::errc::broken_pipe`, after the last line, which needs no end. A line
    /// longer than the limit is `std::errc::message_size`, and nothing can be read after it.
    task<result<std::string>> next() &;
    void next() && = delete;

private:
    tcp_stream& stream_;
    std::size_t longest_;
    buffer rest_;
};

} // namespace tuyau
