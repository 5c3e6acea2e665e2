// No allocation per receive and send once warm: in a program of its own, which counts the calls of operator new, and those
// of OpenSSL for more than small change: to write down the head of each record it takes some bytes from malloc.

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <openssl/crypto.h>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/runtime/frame_pool.hpp>

#include "ends.hpp"
#include "support/allocations.hpp"

using tests::certificates;
using tests::two_ends;
using tuyau::loop;
using tuyau::task;

namespace {

constexpr std::size_t small_change = 256;

std::atomic<std::size_t> of_openssl = 0;

void* allocate(std::size_t size, const char*, int) {
    if (size > small_change) ++of_openssl;
    return std::malloc(size);
}
void* reallocate(void* block, std::size_t size, const char*, int) {
    if (size > small_change) ++of_openssl;
    return std::realloc(block, size);
}
void release(void* block, const char*, int) { std::free(block); }

const int counted = CRYPTO_set_mem_functions(&allocate, &reallocate, &release);

task<> ping_pong(two_ends<>& ends, std::size_t size) {
    const std::string text(size, 'x');
    auto sent = co_await ends.client.send(text);
    if (!sent) throw std::runtime_error("not sent");
    for (std::size_t heard = 0; heard < size;) {
        auto received = co_await ends.server.receive();
        if (!received) throw std::runtime_error("not received");
        heard += received->size();
    }
}

} // namespace

TEST_CASE("a thousand sends and receives over TLS allocate nothing") {
    REQUIRE(counted == 1);
    if (tuyau::frame_pool::detail::poisons) SKIP("blocks are not kept where a sanitizer watches them");
    const certificates files;
    loop here;
    here.run([](const certificates& with) -> task<> {
        two_ends<> ends(with.server_context(), with.client_context());
        co_await ends.connect();
        for (int round = 0; round < 100; ++round) co_await ping_pong(ends, 15);
        const std::size_t before = tests::allocations();
        const std::size_t before_of_openssl = of_openssl;
        for (int round = 0; round < 1000; ++round) co_await ping_pong(ends, 15);
        CHECK(tests::allocations() - before == 0);
        CHECK(of_openssl - before_of_openssl == 0);
    }(files));
}
