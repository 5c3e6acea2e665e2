// The descriptors that the runtime's tests ask for, of the simulated kernel.

#include "helpers.hpp"

#include <chrono>
#include <stdexcept>
#include <unistd.h>

#include "../kernel/kernel.hpp"

using simulation::kernel;

namespace {

/// Carries a call through that may have to wait, while nothing but the kernel's own events can end the wait.
template <class Attempt>
int wait_for(Attempt attempt) {
    kernel& here = kernel::current();
    const auto in = here.enter();
    for (;;) {
        if (const simulation::outcome result = attempt()) return *result;
        if (!here.time().next()) throw std::runtime_error("a test waits for what cannot come");
        here.time().step();
    }
}

/// What was sent is there for whoever asks next, as over loopback.
void let_arrive(kernel& here) { here.time().advance(here.now() + std::chrono::microseconds(1)); }

} // namespace

extern "C" int __real_close(int fd);

/// In place of close(2) in the tests.
extern "C" int __wrap_close(int fd) {
    kernel* here = kernel::current_or_null();
    if (here == nullptr || fd < 1'000'000) return __real_close(fd);
    const auto in = here->enter();
    const int done = here->close(fd);
    let_arrive(*here);
    return done < 0 ? -1 : 0;
}

namespace tests {

std::size_t open_descriptors() {
    const auto in = kernel::current().enter();
    return kernel::current().open_descriptors();
}

descriptor_pair descriptor_pair::pipe() {
    kernel& here = kernel::current();
    const auto in = here.enter();
    auto shared = std::make_shared<simulation::pipe_buffer>();
    const int reader = here.open(std::make_shared<simulation::pipe_reader>(here, shared));
    const int writer = here.open(std::make_shared<simulation::pipe_writer>(here, shared));
    return descriptor_pair({reader, writer});
}

// The runtime does not tell one from the other.
descriptor_pair descriptor_pair::sockets() { return tcp(); }

descriptor_pair descriptor_pair::tcp() {
    kernel& here = kernel::current();
    const auto in = here.enter();
    auto [server, client] = simulation::tcp_socket::pair(here);
    return descriptor_pair({here.open(std::move(server)), here.open(std::move(client))});
}

descriptor_pair::~descriptor_pair() {
    for (int fd : fds_)
        if (fd >= 0) __wrap_close(fd);
}

void write_now(int fd, std::string_view text) {
    const auto file = kernel::current().find(fd);
    while (!text.empty()) {
        const int size = wait_for([&] { return file->write(text.data(), text.size()); });
        if (size < 0) throw std::runtime_error("write");
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    let_arrive(kernel::current());
}

std::string read_now(int fd, std::size_t size) {
    const auto file = kernel::current().find(fd);
    std::string text(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const int got = wait_for([&] { return file->read(text.data() + done, size - done); });
        if (got < 0) throw std::runtime_error("read");
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return text;
}

} // namespace tests
