// when_all runs tasks side by side and gives all their outcomes, in the order of the tasks. The first that fails stops
// the others.
//
// Prints two answers of different types, the answers of five tasks of one type, and what a failure does to the rest.

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/timer.hpp>
#include <tuyau/runtime/when.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<std::string> capital() {
    co_await sleep_for(2ms);
    co_return "Paris";
}

task<int> population() {
    co_await sleep_for(1ms);
    co_return 2'103'000;
}

task<int> square(int number) {
    co_await sleep_for(number * 1ms);
    co_return number* number;
}

task<result<void>> look_into(std::string drawer, std::chrono::milliseconds effort) {
    if (auto slept = co_await sleep_for(effort); !slept) co_return slept;
    co_return failure(drawer == "locked" ? std::errc::permission_denied : std::errc::no_such_file_or_directory);
}

task<> show() {
    auto [name, people] = co_await when_all(capital(), population());
    fmt::print("{} has {} inhabitants\n", name, people);

    std::vector<task<int>> work;
    for (int number = 1; number <= 5; ++number) work.push_back(square(number));
    fmt::print("{}\n", fmt::join(co_await when_all(std::move(work)), " "));

    auto [open, locked] = co_await when_all(look_into("open", 1h), look_into("locked", 1ms));
    fmt::print("locked: {}; open: {}\n", locked.error().message(), open.error().message());
}

} // namespace

int main() { return tuyau::run(show()); }
