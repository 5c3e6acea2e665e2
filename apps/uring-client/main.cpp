#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <variant>

#include <fmt/format.h>

#include <tuyau/runtime/run.hpp>

#include "failure.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "perform.hpp"
#include "tcp_mode.hpp"
#include "terminal_text.hpp"

namespace uring_client {
namespace {

int report(const failure& error) {
    fmt::print(stderr, "uring-client: {}\n", in_one_line(error.what()));
    return static_cast<int>(error.code());
}

tuyau::task<int> talk(tcp_options options) {
    co_await talk_tcp(std::move(options));
    co_return static_cast<int>(exit_code::done);
}

/// `work`'s exit code; its failure is told first.
tuyau::task<int> finish(tuyau::task<int> work, int& signal) {
    try {
        co_return co_await std::move(work);
    } catch (const failure& error) {
        co_return report(error);
    } catch (const interrupted& by) {
        signal = by.signal;
        co_return 0;
    }
}

/// Large buffers, and few: a big body takes 0.8 to 0.9 of the CPU time that it takes in pieces of a page.
tuyau::loop_options for_few_large_transfers() {
    tuyau::loop_options options;
    options.buffers = {.size = 64 * 1024, .initial = 16, .most = 1024};
    return options;
}

int run_to_end(tuyau::task<int> work) {
    int signal = 0;
    const int code = tuyau::run(finish(std::move(work), signal), for_few_large_transfers());
    if (signal != 0) end_by_signal(signal);
    return code;
}

/// A standard stream that was closed must not become the socket or the ring. In its place stands one that is at its end,
/// or that cannot be written to.
void occupy_standard_streams() {
    while (true) {
        const int fd = ::open("/dev/null", O_RDONLY);
        if (fd > STDERR_FILENO) {
            ::close(fd);
            return;
        }
        if (fd < 0) return;
    }
}

} // namespace
} // namespace uring_client

int main(int argument_count, char** arguments) {
    using namespace uring_client;
    occupy_standard_streams();
    std::signal(SIGPIPE, SIG_IGN); // an output that nobody reads is an error like others
    try {
        command asked = read_command_line(argument_count, arguments);
        if (const auto* code = std::get_if<int>(&asked)) return *code;
        if (auto* tcp = std::get_if<tcp_options>(&asked)) return run_to_end(talk(std::move(*tcp)));
        return run_to_end(perform(std::get<request_options>(std::move(asked))));
    } catch (const failure& error) {
        return report(error);
    }
}
