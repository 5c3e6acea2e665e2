// A concurrent::channel joins coroutines of several loops: who waits for it sleeps in its own loop, and goes on there.
//
// Prints the sum of the squares that two workers made of a thousand numbers sent to them by a third loop.

#include <fmt/format.h>

#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/workers.hpp>

using namespace tuyau;

namespace {

using numbers = concurrent::channel<long>;

task<> send_numbers(numbers& questions) {
    for (long number = 1; number <= 1000; ++number) co_await questions.send(number);
    questions.close();
}

// On both workers: whoever is free takes the next.
task<> square_numbers(numbers& questions, numbers& answers) {
    while (auto number = co_await questions.receive()) co_await answers.send(*number * *number);
}

task<> work(workers& cores, numbers& questions, numbers& answers) {
    auto square = [&](std::size_t) { return square_numbers(questions, answers); };
    co_await cores.run_on_each(square);
    answers.close();
}

task<> show() {
    workers cores({.count = 2});
    numbers questions(16);
    numbers answers(16);
    scope pipeline;
    pipeline.spawn(work(cores, questions, answers));
    pipeline.spawn(send_numbers(questions));

    long sum = 0;
    while (auto answer = co_await answers.receive()) sum += *answer;
    co_await pipeline.join();
    fmt::print("the sum is {}\n", sum);
}

} // namespace

int main() { return tuyau::run(show()); }
