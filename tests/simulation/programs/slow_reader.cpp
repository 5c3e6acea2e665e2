// One that does not read what it is sent, beside another that wants one byte.

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

#include "slow_reader.hpp"

namespace simulation::programs {

using namespace std::chrono_literals;
using tuyau::result;
using tuyau::task;
using tuyau::tcp_listener;
using tuyau::tcp_stream;

namespace {

/// Both ends of a connection. Nothing, if the kernel allowed none: that is not what this is about.
struct both_ends {
    tcp_stream near;
    tcp_stream far;
};

task<result<tcp_stream>> accept_one(tcp_listener& listener) { co_return co_await listener.accept(); }

task<std::optional<both_ends>> connect_to_itself() {
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    if (!listener) co_return std::nullopt;
    auto near = co_await tuyau::connect(listener->local_endpoint().value());
    if (!near) co_return std::nullopt;
    auto far = co_await tuyau::with_deadline(10s, accept_one(*listener));
    if (!far) co_return std::nullopt;
    co_return both_ends{std::move(*near), std::move(*far)};
}

task<> send_far_too_much(tcp_stream& to) {
    const std::string much(100'000, 'm');
    auto sent = co_await to.send(much);
    (void)sent; // it is never over, or was broken off
}

task<> answer(tcp_stream& whom) {
    auto question = co_await whom.receive();
    if (!question) co_return;
    auto sent = co_await whom.send("b");
    (void)sent;
}

} // namespace

task<> read_beside_a_slow_reader() {
    auto slow = co_await connect_to_itself();
    auto quick = co_await connect_to_itself();
    if (!slow || !quick) co_return;
    tuyau::scope others;
    others.spawn(send_far_too_much(slow->near));
    auto first = co_await slow->far.receive(); // from now on the kernel receives for it
    if (!first) co_return;
    first->release();
    auto waited = co_await tuyau::sleep_for(100ms);
    if (!waited) co_return;
    others.spawn(answer(quick->near));
    auto asked = co_await quick->far.send("a");
    if (!asked) co_return;
    auto answered = co_await quick->far.receive();
    (void)answered; // or broken off
    others.stop();
    co_await others.join();
}

} // namespace simulation::programs
