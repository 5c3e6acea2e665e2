// blocking() runs a call that blocks, of a library that knows nothing of coroutines, on a thread that is kept for that. The
// loop goes on meanwhile. The call owns what it uses; its value and its exceptions arrive where it is awaited.
//
// Prints the value of a std::future that the loop itself sets while a thread blocks on it, then an exception.

#include <exception>
#include <future>
#include <string>

#include <fmt/format.h>

#include <tuyau/runtime/blocking.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace tuyau;

namespace {

task<> print_when_ready(std::shared_future<std::string> answer) {
    auto wait = [answer] { return answer.get(); };
    auto text = co_await blocking(wait);
    if (text) fmt::print("the answer is {}\n", *text);
}

task<> show() {
    std::promise<std::string> promise;
    scope waiting;
    waiting.spawn(print_when_ready(promise.get_future().share()));
    fmt::print("the loop goes on\n");
    promise.set_value("42");
    co_await waiting.join();

    try {
        co_await blocking([] { return std::stoi("forty-two"); });
    } catch (const std::exception& error) {
        fmt::print("an exception came from {}\n", error.what());
    }
}

} // namespace

int main() { return tuyau::run(show()); }
