#include <tuyau/runtime/signal.hpp>

#include <cerrno>
#include <csignal>
#include <string>
#include <sys/signalfd.h>
#include <system_error>

#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr int last_signal = 64; // signal(7), as many as a mask has bits

} // namespace

signal_set::signal_set(std::initializer_list<int> signals) {
    std::uint64_t wanted = 0;
    for (int number : signals) {
        if (number < 1 || number > last_signal || number == SIGKILL || number == SIGSTOP)
            throw std::system_error(EINVAL, std::system_category(), "cannot receive signal " + std::to_string(number));
        wanted |= std::uint64_t{1} << (number - 1);
    }
    fd_ = system::open_signals(wanted, &mask_before_);
    if (fd_ < 0) throw std::system_error(-fd_, std::system_category(), "cannot receive signals");
}

signal_set::~signal_set() {
    system::close(fd_);
    system::restore_signal_mask(mask_before_);
}

task<result<int>> signal_set::next() {
    signalfd_siginfo received{};
    auto size = co_await read_some(fd_, std::as_writable_bytes(std::span(&received, 1)));
    if (!size) co_return failure(size.error());
    co_return static_cast<int>(received.ssi_signo);
}

} // namespace tuyau
