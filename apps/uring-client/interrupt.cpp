#include "interrupt.hpp"

#include <csignal>
#include <cstdlib>
#include <unistd.h>

namespace uring_client {
namespace {

bool is_ignored(int number) {
    struct sigaction present{};
    return ::sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_IGN;
}

} // namespace

interrupt::interrupt(tuyau::deadline& work) : signals_{SIGINT, SIGTERM, SIGHUP} { watching_.spawn(watch(work)); }

tuyau::task<> interrupt::watch(tuyau::deadline& work) {
    for (;;) {
        auto received = co_await signals_.next();
        if (!received) co_return;
        if (is_ignored(*received)) continue;
        number_ = *received;
        work.request_stop();
        co_return;
    }
}

void end_by_signal(int number) {
    constexpr int shells_offset = 128;
    std::signal(number, SIG_DFL);
    std::raise(number);
    std::_Exit(shells_offset + number);
}

} // namespace uring_client
