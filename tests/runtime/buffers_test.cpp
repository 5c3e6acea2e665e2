#include <tuyau/runtime/buffers.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"

using tuyau::buffer;
using tuyau::buffers;
using tuyau::completion_target;
using tuyau::ring;

namespace {

/// One receive into the ring's buffers at a time, driven by hand.
struct receiver final : completion_target, tuyau::buffer_client {
    receiver(ring& requests, buffers& lent) : owner(requests), pool(lent) {}

    void complete(int result, unsigned flags) noexcept override {
        outcome = result;
        if ((flags & IORING_CQE_F_BUFFER) == 0) return;
        if (result > 0)
            pool.push(*this, flags, static_cast<std::size_t>(result));
        else
            pool.discard(flags);
    }

    /// Receives what `text` becomes on its way through a socket; the kernel's result.
    int receive(const std::string& text) {
        tests::write_now(sockets.second(), text);
        return ask();
    }

    int ask() {
        pool.publish();
        if (!pool.lent_to_kernel()) return outcome = pool.receive(*this, sockets.first());
        io_uring_sqe& sqe = owner.prepare(*this);
        io_uring_prep_recv(&sqe, sockets.first(), nullptr, 0, 0);
        io_uring_sqe_set_flags(&sqe, IOSQE_BUFFER_SELECT);
        sqe.buf_group = buffers::group;
        while (owner.in_flight() != 0) owner.wait(std::nullopt);
        return outcome;
    }

    ring& owner;
    buffers& pool;
    tests::descriptor_pair sockets = tests::descriptor_pair::sockets();
    void buffers_available() noexcept override {}
    void hold_back() noexcept override { ++held_back; }

    int outcome = 0;
    int held_back = 0;
};

struct waiter final : tuyau::buffer_client {
    void buffers_available() noexcept override { ++times; }
    void hold_back() noexcept override {}
    int times = 0;
};

} // namespace

TEST_CASE("a buffer holds what came, and goes home when it is destroyed") {
    ring requests;
    buffers pool(requests, {.size = 64, .initial = 2, .most = 2});
    receiver socket(requests, pool);
    CHECK(pool.available() == 2);
    CHECK(pool.buffer_size() == 64);
    CHECK(socket.receive("hello") == 5);
    CHECK(pool.available() == 1);
    {
        buffer lease = pool.pop(socket);
        CHECK(lease.text() == "hello");
        CHECK(lease.size() == 5);
        CHECK(lease.bytes().size() == 5);
        CHECK_FALSE(lease.empty());
        CHECK(socket.unread() == 0);
    }
    CHECK(pool.available() == 1); // it is home, but not yet lent again
    pool.publish();
    CHECK(pool.available() == 2);
}

TEST_CASE("buffers that are pages begin where pages do, those of a later slab too") {
    ring requests;
    buffers pool(requests, {.size = 8192, .initial = 1, .most = 4});
    receiver here(requests, pool);
    std::vector<buffer> kept;
    for (unsigned number = 0; number < 4; ++number) {
        if (pool.available() == 0) {
            pool.wait(here);
            pool.publish();
        }
        REQUIRE(here.receive("text") == 4);
        kept.push_back(pool.pop(here));
        CHECK(reinterpret_cast<std::uintptr_t>(kept.back().data()) % 4096 == 0);
    }
    CHECK(pool.total() == 4);
}

TEST_CASE("an empty buffer holds nothing and owes nothing") {
    buffer none;
    CHECK(none.empty());
    CHECK(none.text().empty());
    none.release();
    buffer other(std::move(none));
    other = buffer();
    CHECK(other.empty());
}

TEST_CASE("a moved buffer goes home once, and assigning to one sends the old one home") {
    ring requests;
    buffers pool(requests, {.size = 64, .initial = 2, .most = 2});
    receiver socket(requests, pool);
    socket.receive("one");
    socket.receive("two");
    buffer first = pool.pop(socket);
    buffer second = pool.pop(socket);
    CHECK(pool.available() == 0);
    buffer moved(std::move(first));
    CHECK(moved.text() == "one");
    moved = std::move(second);
    CHECK(moved.text() == "two");
    pool.publish();
    CHECK(pool.available() == 1);
    moved.release();
    moved.release();
    CHECK(moved.empty());
    pool.publish();
    CHECK(pool.available() == 2);
}

TEST_CASE("a lease is the reader's alone: what comes later does not touch it") {
    ring requests;
    buffers pool(requests, {.size = 16, .initial = 4, .most = 4});
    receiver socket(requests, pool);
    socket.receive("kept");
    buffer kept = pool.pop(socket);
    for (int round = 0; round < 50; ++round) {
        socket.receive("0123456789abcdef");
        CHECK(pool.pop(socket).text() == "0123456789abcdef");
    }
    CHECK(kept.text() == "kept");
}

TEST_CASE("giving up the first bytes of a buffer leaves the rest, and never more than there is") {
    ring requests;
    buffers pool(requests, {.size = 64, .initial = 1, .most = 1});
    receiver socket(requests, pool);
    socket.receive("abcdef");
    buffer lease = pool.pop(socket);
    lease.remove_prefix(2);
    CHECK(lease.text() == "cdef");
    lease.remove_prefix(100);
    CHECK(lease.empty());
    lease.release();
    pool.publish();
    CHECK(pool.available() == 1);
}

TEST_CASE("what is put back at the head of a queue comes first again") {
    ring requests;
    buffers pool(requests, {.size = 64, .initial = 4, .most = 4});
    receiver socket(requests, pool);
    for (const char* text : {"first", "second"}) socket.receive(text);
    buffer lease = pool.pop(socket);
    lease.remove_prefix(2);
    pool.push_front(socket, std::move(lease));
    CHECK(lease.empty());
    CHECK(socket.unread() == 2);
    lease = pool.pop(socket);
    CHECK(lease.text() == "rst");
    buffer next = pool.pop(socket);
    CHECK(next.text() == "second");
    pool.push_front(socket, std::move(next)); // into an empty queue, which goes on from there
    socket.receive("third");
    CHECK(pool.pop(socket).text() == "second");
    CHECK(pool.pop(socket).text() == "third");
    lease.release();
    pool.publish();
    CHECK(pool.available() == 4);
}

TEST_CASE("a queue that is cleared sends every buffer home") {
    ring requests;
    buffers pool(requests, {.size = 64, .initial = 4, .most = 4});
    receiver socket(requests, pool);
    for (const char* text : {"a", "b", "c"}) socket.receive(text);
    CHECK(pool.available() == 1);
    pool.clear(socket);
    CHECK(socket.unread() == 0);
    pool.publish();
    CHECK(pool.available() == 4);
}

TEST_CASE("an empty pool answers ENOBUFS, and who waits is told once a buffer is home again") {
    ring requests;
    buffers pool(requests, {.size = 64, .initial = 1, .most = 1});
    receiver socket(requests, pool);
    socket.receive("only");
    buffer lease = pool.pop(socket);
    CHECK(socket.receive("more") == -ENOBUFS);
    waiter starved;
    pool.wait(starved);
    pool.publish();
    CHECK(starved.times == 0);
    lease.release();
    CHECK(starved.times == 0);
    pool.publish();
    CHECK(starved.times == 1);
    pool.publish();
    CHECK(starved.times == 1);
    CHECK(socket.ask() == 4);
    CHECK(pool.pop(socket).text() == "more");
}

TEST_CASE("unread bytes make room for others when buffers run out: they are moved, whole and in order, and their "
          "sender held back") {
    ring requests;
    buffers pool(requests, {.size = 8, .initial = 4, .most = 4});
    receiver slow(requests, pool);
    receiver leased(requests, pool);
    receiver quick(requests, pool);
    leased.receive("lease");
    const buffer lease = pool.pop(leased);
    slow.receive("one ");
    slow.receive("two ");
    slow.receive("three");
    CHECK(quick.receive("go") == -ENOBUFS);
    waiter starved;
    pool.wait(starved);
    pool.publish();
    CHECK(starved.times == 1);
    CHECK(slow.held_back == 1);
    CHECK(pool.total() == 4);
    CHECK(pool.available() == 3);
    CHECK(quick.ask() == 2);

    // Once more, with more on top of what was moved before.
    slow.receive("four");
    slow.receive("five");
    CHECK(pool.available() == 0);
    pool.wait(starved);
    pool.publish();
    CHECK(starved.times == 2);
    CHECK(pool.available() == 3);
    pool.clear(quick);
    std::string text;
    while (slow.unread() != 0) text += pool.pop(slow).text();
    CHECK(text == "one two threefourfive");
    CHECK(lease.text() == "lease");

    // What was moved can be put back in part, and thrown away.
    for (const char* part : {"a", "b", "c"}) slow.receive(part);
    pool.publish();
    pool.wait(starved);
    pool.publish();
    buffer all = pool.pop(slow);
    CHECK(all.text() == "abc");
    all.remove_prefix(1);
    pool.push_front(slow, std::move(all));
    CHECK(slow.unread() == 1);
    all = pool.pop(slow);
    CHECK(all.text() == "bc");
    pool.push_front(slow, std::move(all));
    pool.clear(slow);
    pool.publish();
    CHECK(pool.available() == 3);
}

TEST_CASE("when every buffer is leased nothing can be moved, and who waits goes on waiting") {
    ring requests;
    buffers pool(requests, {.size = 8, .initial = 1, .most = 1});
    receiver socket(requests, pool);
    socket.receive("lease");
    buffer lease = pool.pop(socket);
    waiter starved;
    pool.wait(starved);
    for (int round = 0; round < 3; ++round) pool.publish();
    CHECK(starved.times == 0);
    lease.release();
    pool.publish();
    CHECK(starved.times == 1);
}

TEST_CASE("a client that outlives the pool has nothing unread any more") {
    std::optional<ring> requests(std::in_place);
    std::optional<buffers> pool(std::in_place, *requests, tuyau::buffer_options{.size = 8, .initial = 2, .most = 2});
    receiver outlives(*requests, *pool);
    outlives.receive("x");
    CHECK(outlives.unread() == 1);
    pool.reset();
    CHECK(outlives.unread() == 0);
    CHECK_FALSE(static_cast<tuyau::buffer_client&>(outlives).linked());
}

TEST_CASE("a lease outlives the loop's pool, and may be given up after it") {
    auto requests = std::make_unique<ring>();
    auto* pool = new buffers(*requests, {.size = 8, .initial = 4, .most = 4});
    buffer first;
    buffer moved;
    {
        receiver socket(*requests, *pool);
        socket.receive("one");
        first = pool->pop(socket);
        for (int count = 0; count < 3; ++count) socket.receive("two ");
        waiter starved;
        pool->wait(starved);
        pool->publish();
        moved = pool->pop(socket);
        socket.receive("kept");
        pool->retire();
        CHECK(socket.unread() == 0);
    }
    requests.reset();
    CHECK(first.text() == "one");
    CHECK(moved.text() == "two two two ");
    first.release();
    CHECK(moved.text() == "two two two ");
    moved.release();

    ring others;
    auto* unused = new buffers(others, {.size = 8, .initial = 1, .most = 1});
    unused->retire(); // without a lease it is gone at once
}

TEST_CASE("a waiter that is destroyed is not told") {
    ring requests;
    buffers pool(requests, {.size = 64, .initial = 1, .most = 1});
    receiver socket(requests, pool);
    socket.receive("only");
    auto gone = std::make_unique<waiter>();
    waiter stays;
    pool.wait(*gone);
    pool.wait(stays);
    gone.reset();
    pool.clear(socket);
    pool.publish();
    CHECK(stays.times == 1);
}

TEST_CASE("the pool grows by slabs when somebody waits for a buffer, up to its bound and no further") {
    ring requests;
    buffers pool(requests, {.size = 32, .initial = 3, .most = 8});
    receiver socket(requests, pool);
    CHECK(pool.total() == 3);
    std::vector<buffer> leases;
    for (int count = 0; count < 8; ++count) {
        if (pool.available() == 0) {
            waiter starved;
            pool.wait(starved);
            pool.publish();
            REQUIRE(starved.times == 1);
        }
        const std::string text = "lease " + std::to_string(count);
        REQUIRE(socket.receive(text) == static_cast<int>(text.size()));
        leases.push_back(pool.pop(socket));
    }
    CHECK(pool.total() == 8);
    waiter starved;
    pool.wait(starved);
    pool.publish();
    CHECK(starved.times == 0);
    CHECK(pool.total() == 8);
    for (int count = 0; count < 8; ++count)
        CHECK(leases[static_cast<std::size_t>(count)].text() == "lease " + std::to_string(count));
    leases.clear();
    pool.publish();
    CHECK(pool.available() == 8);
    CHECK(starved.times == 1);
}

TEST_CASE("buffers come home in any order and every one of them is lent again") {
    ring requests;
    buffers pool(requests, {.size = 32, .initial = 8, .most = 8});
    receiver socket(requests, pool);
    std::mt19937 random(5);
    std::vector<buffer> leases;
    std::deque<std::string> texts;
    for (int round = 0; round < 2000; ++round) {
        if (leases.size() < 8 && random() % 2 == 0) {
            texts.push_back(std::to_string(round));
            REQUIRE(socket.receive(texts.back()) == static_cast<int>(texts.back().size()));
            leases.push_back(pool.pop(socket));
        } else if (!leases.empty()) {
            const std::size_t index = random() % leases.size();
            leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(index));
            texts.erase(texts.begin() + static_cast<std::ptrdiff_t>(index));
        }
        for (std::size_t index = 0; index < leases.size(); ++index) REQUIRE(leases[index].text() == texts[index]);
        pool.publish();
        REQUIRE(pool.available() + leases.size() == 8);
    }
}

TEST_CASE("a completion that brought no bytes sends its buffer home") {
    ring requests;
    buffers pool(requests, {.size = 32, .initial = 1, .most = 1});
    receiver socket(requests, pool);
    ::close(socket.sockets.take_second());
    for (int count = 0; count < 3; ++count) CHECK(socket.ask() == 0);
    pool.publish();
    CHECK(pool.available() == 1);
}

TEST_CASE("a pool that is not lent to the kernel receives for its clients, and keeps its buffer when nothing comes") {
    ring requests({.without = {tuyau::feature::buffer_ring}});
    buffers pool(requests, {.size = 8, .initial = 1, .most = 2});
    receiver socket(requests, pool);
    CHECK_FALSE(pool.lent_to_kernel());
    CHECK(socket.ask() == -EAGAIN);
    CHECK(pool.available() == 1);
    CHECK(socket.receive("longer than one") == 8);
    CHECK(socket.ask() == -ENOBUFS);
    waiter starved;
    pool.wait(starved);
    pool.publish(); // grows
    CHECK(starved.times == 1);
    CHECK(socket.ask() == 7);
    CHECK(pool.pop(socket).text() == "longer t");
    CHECK(pool.pop(socket).text() == "han one");
    ::close(socket.sockets.take_second());
    CHECK(socket.ask() == 0);
    CHECK(pool.available() == 2);
}

TEST_CASE("odd options make a pool that works: nothing is zero, and the bound is at least what there is at the start") {
    ring requests;
    buffers pool(requests, {.size = 0, .initial = 0, .most = 0});
    receiver socket(requests, pool);
    CHECK(pool.total() == 1);
    CHECK(socket.receive("xy") == 1);
    CHECK(pool.pop(socket).text() == "x");

    ring others;
    buffers larger(others, {.size = 16, .initial = 10, .most = 4});
    CHECK(larger.total() == 10);
}

TEST_CASE("a ring lends one pool to the kernel: a second one is refused with an error") {
    ring requests;
    buffers pool(requests, {});
    if (pool.lent_to_kernel())
        CHECK_THROWS_AS(buffers(requests, {}), tuyau::ring_error);
    else
        CHECK_NOTHROW(buffers(requests, {}));
}
