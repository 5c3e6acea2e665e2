#include "actor.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/handover.hpp>
#include <tuyau/runtime/interval.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/stop.hpp>
#include <tuyau/runtime/timer.hpp>
#include <tuyau/runtime/when.hpp>

namespace simulation::programs {

using tuyau::result;
using tuyau::scope;
using tuyau::task;

namespace {

constexpr unsigned deepest = 4;
constexpr std::size_t most_actors = 30;

class counted {
public:
    explicit counted(std::size_t& counter) noexcept : counter_(counter) { ++counter_; }
    counted(const counted&) = delete;
    ~counted() { --counter_; }

private:
    std::size_t& counter_;
};

task<> tick(role who) {
    const auto period = who.all.next.one_of<duration>(3us, 1ms, 40ms);
    const instant begun = who.all.here.now();
    tuyau::interval each(period);
    std::uint64_t passed = 0;
    for (auto left = who.all.next.below(3); left != 0; --left) {
        auto times = co_await each.next();
        if (!times) co_return;
        expect(*times >= 1, "an interval passed {} times", *times);
        passed += *times;
        expect(who.all.here.now() - begun >= static_cast<std::int64_t>(passed) * period,
               "an interval told of {} times before they were there", passed);
    }
}

task<result<int>> number(role who) {
    const int value = static_cast<int>(who.all.next.below(100));
    const bool well = co_await nap(who);
    if (!well) co_return tuyau::failure(std::errc::operation_canceled);
    if (value < 10) co_return tuyau::failure(std::errc::no_message);
    co_return value;
}

task<> end_scope(role who, scope& children) {
    switch (who.all.next.below(4)) {
    case 0: co_await children.join(); break;
    case 1:
        children.stop();
        co_await children.join();
        break;
    case 2: {
        auto joined = co_await tuyau::with_deadline(5ms, [](scope& all) -> task<> { co_await all.join(); }(children));
        (void)joined;
        break;
    }
    default: break; // they are destroyed where they are
    }
}

task<> keep_children(role who) {
    scope children(who.all.next.one_of<std::size_t>(2, 1, 5));
    for (auto left = 1 + who.all.next.below(3); left != 0; --left) {
        if (who.all.next.one_in(4)) {
            auto spawned = co_await children.spawn_bounded(act(who.below()));
            if (!spawned) break;
        } else {
            children.spawn(act(who.below()));
        }
    }
    if (who.all.next.one_in(4)) {
        const bool fewer = co_await children.fewer_than(1 + who.all.next.below(2));
        (void)fewer;
    }
    const bool slept = co_await nap(who);
    (void)slept;
    co_await end_scope(who, children);
}

task<> work_under_deadline(role who) {
    const auto limit = who.all.next.one_of<duration>(0ns, 10us, 1ms, 30ms);
    const instant began = who.all.here.now();
    auto ended = co_await tuyau::with_deadline(limit, act(who.below()));
    expect(ended || who.all.here.now() >= began + limit, "a deadline came {} ns early",
           (began + limit - who.all.here.now()).count());
    expect(ended || ended.error() == std::errc::timed_out, "a deadline ended with {}",
           ended ? "" : ended.error().message());
}

task<> work_until_stopped(role who) {
    auto& sources = who.all.sources;
    if (sources.size() < 4) sources.emplace_back();
    auto token = sources[who.all.next.below(sources.size())].get_token();
    auto ended = co_await tuyau::with_stop(token, act(who.below()));
    expect(ended || token.stop_requested(), "a task was stopped by a token that was not");
}

void stop_some_source(role who) {
    auto& sources = who.all.sources;
    if (sources.empty()) return;
    auto& chosen = sources[who.all.next.below(sources.size())];
    const std::stop_source old = chosen;
    chosen = std::stop_source();
    (void)old.request_stop();
}

task<> work_shielded(role who) {
    auto ended = co_await tuyau::shield(
        tuyau::with_deadline(who.all.next.one_of<duration>(1ms, 100ms, 500ms), act(who.below())));
    (void)ended;
}

task<> work_side_by_side(role who) {
    switch (who.all.next.below(4)) {
    case 0: {
        auto all = co_await tuyau::when_all(act(who.below()), number(who), act(who.below()));
        (void)all;
        break;
    }
    case 1: {
        auto first = co_await tuyau::when_any(act(who.below()), number(who));
        expect(first.index < 2, "the first of two was number {}", first.index);
        break;
    }
    case 2: {
        std::vector<task<result<int>>> several;
        for (auto left = who.all.next.below(4); left != 0; --left) several.push_back(number(who));
        const std::size_t count = several.size();
        auto all = co_await tuyau::when_all(std::move(several));
        expect(all.size() == count, "of {} outcomes {} came", count, all.size());
        break;
    }
    default: {
        std::vector<task<>> several;
        for (auto left = 1 + who.all.next.below(2); left != 0; --left) several.push_back(act(who.below()));
        const std::size_t count = several.size();
        auto first = co_await tuyau::when_any(std::move(several));
        expect(first.index < count && first.outcomes.size() == count, "number {} of {} came first", first.index, count);
    }
    }
}

/// Somebody whom no stop reaches, and who is destroyed wherever he is.
task<> keep_loose(role who) {
    role inner = who.below();
    inner.loose = true;
    if (!who.loose && who.all.next.one_in(2)) { // until the end of the loop, perhaps after it
        if (who.here().loose.size() < 8) who.here().loose.push_back(tests::loose::start(act_safely(inner)));
        co_return;
    }
    auto started = tests::loose::start(act_safely(inner));
    const bool slept = co_await nap(who);
    (void)slept;
}

void destroy_some_loose(role who) {
    auto& all = who.here().loose;
    if (who.loose || all.empty()) return; // nobody destroys the coroutine that he is part of
    auto chosen = std::next(all.begin(), static_cast<std::ptrdiff_t>(who.all.next.below(all.size())));
    std::list<tests::loose> doomed;
    doomed.splice(doomed.begin(), all, chosen);
}

/// On its way to another loop, there, or on its way back.
class visit_to {
public:
    explicit visit_to(place& there) noexcept : there_(there) { ++there_.visits; }
    visit_to(const visit_to&) = delete;
    ~visit_to() {
        if (--there_.visits == 0 && there_.closing) there_.unvisited.set();
    }

private:
    place& there_;
};

task<> visit(role who) {
    // The loop that is visited must not end before the visit, and a loose coroutine may outlive the only loop.
    if (who.loose && who.all.all.size() == 1) co_return;
    role guest = who.below();
    guest.at = who.all.next.below(who.all.all.size());
    place& there = guest.here();
    if (there.closing || there.handle == nullptr) co_return;
    const visit_to known(there);
    if (who.all.next.one_in(3)) {
        auto call = [guest] { return act(guest); };
        co_await tuyau::run_on(there.handle, call);
    } else {
        co_await tuyau::run_on(there.handle, act(guest));
    }
}

task<> step(role who) {
    choices& next = who.all.next;
    const bool crowded = who.depth >= deepest || who.all.actors >= most_actors;
    const std::size_t kind = next.below(crowded ? 16 : 32);
    switch (kind) {
    case 0: co_await tick(who); break;
    case 1: {
        auto went_on = co_await tuyau::yield();
        (void)went_on;
        break;
    }
    case 2:
    case 3:
    case 4: co_await synchronise(who); break;
    case 5: co_await make_request(who); break;
    case 6:
        if (next.one_in(4)) throw mishap();
        stop_some_source(who);
        break;
    case 7: destroy_some_loose(who); break;
    case 8:
        for (const kept_bytes& each : who.here().kept) each.check();
        who.here().kept.clear();
        break;
    case 9:
    case 10:
    case 11: co_await talk_to_somebody(who); break;
    case 12: co_await send_without_copy(who); break;
    case 13: co_await use_pipe(who); break;
    case 16:
    case 17:
    case 18: co_await keep_children(who); break;
    case 19:
    case 20: co_await work_under_deadline(who); break;
    case 21:
    case 22: co_await work_until_stopped(who); break;
    case 23: co_await work_shielded(who); break;
    case 24:
    case 25: co_await work_side_by_side(who); break;
    case 26:
    case 27: co_await keep_loose(who); break;
    case 28:
    case 29:
    case 30:
    case 31: co_await visit(who); break;
    default: {
        const bool slept = co_await nap(who);
        (void)slept;
    }
    }
}

} // namespace

task<bool> nap(role who) {
    const auto span = who.all.next.one_of<duration>(0ns, 1us, 30us, 800us, 7ms, 60ms);
    const instant until = who.all.here.now() + span;
    auto slept = co_await tuyau::sleep_for(span);
    expect(!slept || who.all.here.now() >= until, "a sleep was {} ns too short", (until - who.all.here.now()).count());
    co_return slept.has_value();
}

task<> act(role who) {
    const counted here(who.all.actors);
    const tuyau::await_chain* chain = co_await tuyau::this_chain();
    for (auto left = 1 + who.all.next.below(5); left != 0; --left) {
        if (who.all.over() || (chain != nullptr && chain->stop_requested())) co_return;
        co_await step(who);
    }
}

task<> act_safely(role who) {
    try {
        co_await act(who);
    } catch (const mishap&) {
    } catch (const std::system_error& error) {
        expect(tuyau::is_cancelled(error.code()), "an actor ended with {}", error.what());
    }
}

} // namespace simulation::programs
