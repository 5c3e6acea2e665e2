// A task is a coroutine that starts when it is awaited, and gives its awaiter a value or the exception that left it.
// Errors that are to be expected are values: a result<T>, whose value() throws when it holds an error.
//
// Prints a sum, an error as a value, the same error as an exception, and the depth of a recursion.

#include <charconv>
#include <exception>
#include <string_view>

#include <fmt/format.h>

#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/task.hpp>

using namespace tuyau;

namespace {

task<result<int>> number_in(std::string_view text) {
    int number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc()) co_return failure(parsed.ec);
    co_return number;
}

task<int> sum_of(std::string_view left, std::string_view right) {
    co_return (co_await number_in(left)).value() + (co_await number_in(right)).value();
}

// Each level is a coroutine that awaits the next. The stack does not grow.
task<int> descend(int levels) {
    if (levels == 0) co_return 0;
    co_return 1 + co_await descend(levels - 1);
}

task<> show() {
    fmt::print("19 + 23 = {}\n", co_await sum_of("19", "23"));

    auto number = co_await number_in("many");
    if (!number) fmt::print("'many': {}\n", number.error().message());

    try {
        co_await sum_of("1", "many");
    } catch (const std::exception& error) {
        fmt::print("1 + 'many': {}\n", error.what());
    }

    fmt::print("{} levels deep\n", co_await descend(100'000));
}

} // namespace

int main() { return tuyau::run(show()); }
