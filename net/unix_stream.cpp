#include <tuyau/net/unix_stream.hpp>

#include <utility>

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

task<result<unix_stream>> connect_without_limit(unix_address where) {
    const int fd = system::open_socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) co_return failure(-fd);
    unix_stream stream(fd);
    const auto begin = [&](io_uring_sqe& sqe) { io_uring_prep_connect(&sqe, fd, where.native(), where.native_size()); };
    auto connected = co_await operation(begin);
    if (!connected && connected.error() != std::errc::already_connected) co_return failure(connected.error());
    co_return stream;
}

} // namespace

task<result<unix_stream>> connect(unix_address where, std::chrono::milliseconds limit) {
    co_return co_await with_deadline(limit, connect_without_limit(where));
}

result<unix_listener> unix_listener::bind(const unix_address& where, int backlog) {
    const int fd = system::open_socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) return failure(-fd);
    unix_listener listener(fd);
    int error = system::bind(fd, where.native(), where.native_size());
    if (error >= 0) error = system::listen(fd, backlog);
    if (error < 0) return failure(-error);
    return listener;
}

task<result<unix_stream>> unix_listener::accept() & {
    auto accepted = co_await tcp_listener::accept();
    if (!accepted) co_return failure(accepted.error());
    co_return unix_stream(std::move(*accepted));
}

} // namespace tuyau
