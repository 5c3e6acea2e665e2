// when_any runs tasks side by side until the first has finished, then stops the others and waits for them: nothing of a
// loser goes on in the background, and its outcome is there too.
//
// Prints which of three mirrors of a file answered first, and what the others say.

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/timer.hpp>
#include <tuyau/runtime/when.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<result<std::string>> fetch_from(std::string mirror, std::chrono::milliseconds distance) {
    if (auto slept = co_await sleep_for(distance); !slept) co_return failure(slept.error());
    co_return "the file, from " + mirror;
}

task<> show() {
    std::vector<task<result<std::string>>> mirrors;
    mirrors.push_back(fetch_from("the moon", 1h));
    mirrors.push_back(fetch_from("next door", 1ms));
    mirrors.push_back(fetch_from("overseas", 1h));
    auto fetched = co_await when_any(std::move(mirrors));
    fmt::print("{} won: {}\n", fetched.index, fetched.first().value());
    for (const auto& outcome : fetched.outcomes)
        if (!outcome) fmt::print("lost: {}\n", outcome.error().message());
}

} // namespace

int main() { return tuyau::run(show()); }
