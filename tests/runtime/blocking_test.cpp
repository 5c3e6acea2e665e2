#include <tuyau/runtime/blocking.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "helpers.hpp"
#include "support/process.hpp"

#include <tuyau/runtime/scope.hpp>

using tuyau::blocking;
using tuyau::loop;
using tuyau::result;
using tuyau::scope;
using tuyau::task;

namespace {

/// Holds calls back until it is opened.
class gate {
public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++inside_;
        most_ = inside_ > most_ ? inside_ : most_;
        changed_.wait(lock, [this] { return open_; });
        --inside_;
    }
    int inside() {
        const std::lock_guard lock(mutex_);
        return inside_;
    }
    int most() {
        const std::lock_guard lock(mutex_);
        return most_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
    int inside_ = 0;
    int most_ = 0;
};

task<std::string> text_from_elsewhere(std::thread::id& ran_on) {
    auto call = [&ran_on] {
        ran_on = std::this_thread::get_id();
        return std::string("text");
    };
    auto text = co_await blocking(call);
    co_return text.value();
}

task<> pass(std::shared_ptr<gate> through, std::vector<int>& done, int number) {
    auto call = [through, number] {
        through->pass();
        return number;
    };
    auto outcome = co_await blocking(std::move(call));
    done.push_back(outcome ? *outcome : -1);
}

} // namespace

TEST_CASE("a blocking call runs on another thread and gives its value") {
    loop here;
    std::thread::id ran_on;
    CHECK(here.run(text_from_elsewhere(ran_on)) == "text");
    CHECK(ran_on != std::thread::id());
    CHECK(ran_on != std::this_thread::get_id());
}

TEST_CASE("an exception of a blocking call reaches its awaiter") {
    loop here;
    auto fails = []() -> task<std::string> {
        auto call = []() -> int { throw std::runtime_error("from the other thread"); };
        try {
            co_await blocking(call);
        } catch (const std::runtime_error& error) {
            co_return error.what();
        }
        co_return "nothing";
    };
    CHECK(here.run(fails()) == "from the other thread");
}

TEST_CASE("the loop goes on while a call blocks, and twenty calls share four threads") {
    loop here;
    auto all_through = std::make_shared<gate>();
    std::vector<int> done;
    here.run([](std::shared_ptr<gate> through, std::vector<int>& finished) -> task<> {
        scope calls;
        for (int number = 0; number < 20; ++number) calls.spawn(pass(through, finished, number));
        for (int step = 0; step < 100; ++step) {
            auto alive = co_await tests::nop();
            CHECK(alive);
        }
        co_await tests::rounds_until([&] { return through->inside() == static_cast<int>(tuyau::blocking_threads); });
        CHECK(finished.empty());
        through->open();
        co_await calls.join();
    }(all_through, done));
    CHECK(done.size() == 20);
    CHECK(all_through->most() == static_cast<int>(tuyau::blocking_threads));
}

TEST_CASE("calls run in the order they came") {
    loop here;
    auto held = std::make_shared<gate>();
    std::mutex guard;
    std::vector<int> order;
    here.run([](std::shared_ptr<gate> through, std::mutex& lock, std::vector<int>& started) -> task<> {
        std::vector<int> ignored;
        scope calls;
        // All threads but one are kept busy.
        for (unsigned number = 1; number < tuyau::blocking_threads; ++number) calls.spawn(pass(through, ignored, 0));
        co_await tests::rounds_until(
            [&] { return through->inside() == static_cast<int>(tuyau::blocking_threads) - 1; });
        scope ordered;
        for (int number = 0; number < 10; ++number) {
            ordered.spawn([](std::mutex& m, std::vector<int>& to, int mine) -> task<> {
                auto call = [&m, &to, mine] {
                    const std::lock_guard one(m);
                    to.push_back(mine);
                    return 0;
                };
                co_await blocking(call);
            }(lock, started, number));
        }
        co_await ordered.join();
        through->open();
        co_await calls.join();
    }(held, guard, order));
    CHECK(order == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a call whose awaiter is stopped or destroyed while it runs goes on alone and frees what it owns") {
    const std::size_t before = tests::open_descriptors();
    auto held = std::make_shared<gate>();
    auto token = std::make_shared<int>();
    {
        loop here;
        here.run([](std::shared_ptr<gate> through, std::shared_ptr<int> owned) -> task<> {
            auto block = [](std::shared_ptr<gate> at, std::shared_ptr<int> mine, result<int>& outcome) -> task<> {
                auto call = [at = std::move(at), mine = std::move(mine)] {
                    at->pass();
                    return 1;
                };
                outcome = co_await blocking(std::move(call));
            };
            result<int> of_stopped = 0;
            result<int> of_destroyed = 0;
            scope stopped;
            stopped.spawn(block(through, owned, of_stopped));
            auto destroyed = tests::loose::start(block(through, owned, of_destroyed));
            co_await tests::rounds_until([&] { return through->inside() == 2; });
            stopped.stop();
            co_await stopped.join();
            CHECK(tuyau::is_cancelled(of_stopped.error()));
            destroyed.destroy();
            CHECK(of_destroyed.value() == 0);
        }(held, token));
    }
    CHECK(token.use_count() > 1);
    held->open();
    CHECK(tests::eventually([&] { return token.use_count() == 1; }));
    CHECK(tests::eventually([&] { return tests::open_descriptors() <= before; }));
}

TEST_CASE("a call that was forgotten gives its place to the next, and calls that wait for the network have their own") {
    loop here;
    auto stuck = std::make_shared<gate>();
    auto passing = std::make_shared<gate>();
    passing->open();
    here.run([](std::shared_ptr<gate> shut, std::shared_ptr<gate> open) -> task<> {
        const int places = static_cast<int>(tuyau::blocking_threads);
        std::vector<int> done;
        scope first;
        for (int number = 0; number < places; ++number) first.spawn(pass(shut, done, number));
        co_await tests::rounds_until([&] { return shut->inside() == places; });
        auto call = [open] {
            open->pass();
            return 1;
        };
        auto beside = co_await blocking(call, tuyau::waits_for::network);
        CHECK(beside.value() == 1);
        scope waiting;
        waiting.spawn(pass(open, done, 7));
        first.stop(); // nobody waits for the four any more, which go on all the same
        co_await first.join();
        co_await waiting.join();
        CHECK(done.back() == 7);
        scope second;
        for (int number = 0; number < places; ++number) second.spawn(pass(shut, done, number));
        co_await tests::rounds_until([&] { return shut->inside() == 2 * places; });
        shut->open();
        co_await second.join();
    }(stuck, passing));
    CHECK(tests::eventually([&] { return stuck->inside() == 0; }));
}

TEST_CASE("forgets calls until no thread is left", "[.]") { // run by the next test, in a process of its own
    loop here;
    auto stuck = std::make_shared<gate>();
    here.run([](std::shared_ptr<gate> shut) -> task<> {
        std::vector<int> done;
        for (unsigned count = 1; count <= tuyau::most_blocking_threads; ++count) {
            scope calls;
            calls.spawn(pass(shut, done, 0));
            co_await tests::rounds_until([&] { return shut->inside() == static_cast<int>(count); });
            calls.stop();
            co_await calls.join();
        }
        auto call = [] { return 1; };
        auto refused = co_await blocking(call);
        REQUIRE_FALSE(refused);
        CHECK(refused.error() == std::errc::resource_unavailable_try_again);
        shut->open();
        auto again = co_await blocking(call);
        while (!again) again = co_await blocking(call);
        CHECK(*again == 1);
    }(stuck));
}

TEST_CASE("when forgotten calls have all threads there may be, the next call is refused, until one has returned") {
    const auto ended = tests::run({"/proc/self/exe", "forgets calls until no thread is left"});
    INFO(ended.output);
    CHECK(ended.code == 0);
}

TEST_CASE("a stop that came before does not wait for the call") {
    loop here;
    auto held = std::make_shared<gate>();
    std::vector<int> done;
    here.run([](std::shared_ptr<gate> through, std::vector<int>& finished) -> task<> {
        scope stopped;
        stopped.stop();
        stopped.spawn(pass(through, finished, 1));
        CHECK(stopped.empty());
        co_return;
    }(held, done));
    CHECK(done == std::vector{-1});
    held->open();
}

TEST_CASE("blocks for good", "[.]") { // run by the next test, in a process of its own
    loop here;
    auto never = std::make_shared<gate>();
    here.run([](std::shared_ptr<gate> through) -> task<> {
        std::vector<int> ignored;
        auto abandoned = tests::loose::start(pass(through, ignored, 1));
        co_await tests::rounds_until([&] { return through->inside() == 1; });
    }(never));
}

TEST_CASE("a process ends although a call blocks for good") {
    const auto ended = tests::run({"/proc/self/exe", "blocks for good"});
    CHECK(ended.code == 0);
}

TEST_CASE("a call that gives nothing says that it has been made") {
    loop here;
    auto made = std::make_shared<std::atomic<bool>>(false);
    auto call = [made] { made->store(true); };
    CHECK(here.run(tuyau::blocking(call)));
    CHECK(*made);
}
