// What a server needs no more once it is warm: memory of its own for each request.

#include <atomic>
#include <csignal>

#include "../kernel/memory.hpp"
#include "../peer.hpp"
#include "../scenario.hpp"

int uring_http_main(int, char**);

namespace simulation::scenarios {
namespace {

constexpr std::uint16_t port = 8080;
constexpr int rounds = 60;
constexpr int rounds_to_get_warm = 20;

std::atomic<bool> counting = false;
std::atomic<unsigned> allocations = 0;

// Peers and the kernel take what they need.
void watch_allocations() {
#ifdef SIMULATION_SEES_MEMORY
    static const int installed = __sanitizer_install_malloc_and_free_hooks(
        [](const volatile void*, std::size_t) {
            if (counting && !kernel::is_inside()) ++allocations;
        },
        [](const volatile void*) {});
    expect(installed != 0, "allocations cannot be watched");
#endif
}

action<std::string> answer_of(peer& server) {
    std::string got;
    while (!got.ends_with("</html>\n")) {
        const std::string more = co_await server.receive();
        expect(!more.empty(), "the server closed a connection for no reason");
        got += more;
    }
    co_return got;
}

action<> ask_again_and_again(kernel& here) {
    co_await until_listening(port);
    {
        peer server = co_await peer::connect(port);
        for (int round = 0; round < rounds; ++round) {
            counting = round >= rounds_to_get_warm;
            const bool sent = co_await server.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            expect(sent, "a connection broke in calm weather");
            (void)co_await answer_of(server);
        }
        counting = false;
    }
    here.signal(SIGTERM);
}

} // namespace

void warm(kernel& here) {
    here.weather().calm();
    here.set_complete();
    here.net().set_line(line_quality{});
    watch_allocations();
    allocations = 0;
    peers all;
    all.start(ask_again_and_again(here));
    const int code =
        run_program(uring_http_main, {"uring-http", "--threads", "1", "--listen", fmt::format("127.0.0.1:{}", port)});
    expect(code == 0, "uring-http ended with exit code {}", code);
    // The date is written anew each second.
    constexpr unsigned few = 10;
    expect(allocations <= few, "{} allocations for {} requests", allocations.load(), rounds - rounds_to_get_warm);
}

} // namespace simulation::scenarios
