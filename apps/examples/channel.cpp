// A channel is a bounded queue between coroutines: who sends waits while it is full, who receives while it is empty. Once
// it is closed, receivers get what is left, then an error that ends their loop.
//
// Prints what two consumers take from one producer, which is never more than the channel's room ahead of them.

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/channel.hpp>

using namespace tuyau;

namespace {

constexpr int items = 6;

task<> produce(channel<int>& orders, int& made) {
    for (made = 0; made < items; ++made) co_await orders.send(made);
    orders.close();
}

task<> consume(std::string name, channel<int>& orders, const int& made, int& furthest_ahead) {
    while (auto order = co_await orders.receive()) {
        furthest_ahead = std::max(furthest_ahead, made - *order);
        fmt::print("{} takes {}\n", name, *order);
    }
    fmt::print("{} goes home\n", name);
}

task<> show() {
    channel<int> orders(2);
    int made = 0;
    int furthest_ahead = 0;
    scope shop;
    shop.spawn(consume("Ada", orders, made, furthest_ahead));
    shop.spawn(consume("Bob", orders, made, furthest_ahead));
    shop.spawn(produce(orders, made));
    co_await shop.join();
    fmt::print("the producer was at most {} ahead\n", furthest_ahead);
}

} // namespace

int main() { return tuyau::run(show()); }
