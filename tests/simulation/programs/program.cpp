#include "program.hpp"

#include <thread>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

#include "actor.hpp"
#include "failing_child.hpp"
#include "slow_reader.hpp"

namespace simulation::programs {

using tuyau::task;

namespace {

/// Queues and buffers that are full again and again.
tuyau::loop_options small_options(world& all) {
    choices& next = all.next;
    tuyau::loop_options options;
    options.ring.submission_entries = next.one_of(8u, 8u, 16u, 64u);
    options.ring.completion_entries = next.one_of(8u, 8u, 16u, 256u);
    if (all.here.is_tight()) {
        options.ring.submission_entries = options.ring.completion_entries = 1;
        // In half of them loops wake each other by what may find no room.
        if (all.here.seed() / 42 % 2 == 0) options.ring.without = {tuyau::feature::message_ring};
    }
    options.buffers.size = next.one_of(64u, 7u, 1u, 4096u);
    options.buffers.initial = next.one_of(1u, 2u, 8u);
    options.buffers.most = options.buffers.initial * next.one_of(1u, 1u, 4u);
    return options;
}

/// Lets actors come and go until all is over, or this place's part of it.
task<> let_them_act(role who, tuyau::scope& crowd) {
    const instant latest = who.all.here.now() + who.all.next.one_of<duration>(20s, 20s, 3ms);
    const std::size_t most = who.all.next.one_of<std::size_t>(3, 1, 8);
    duration pause = 100us;
    crowd.spawn(listen(who));
    while (!who.all.over() && who.all.here.now() < latest) {
        while (crowd.size() <= most && !who.all.over()) crowd.spawn(act_safely(who));
        auto slept = co_await tuyau::sleep_for(pause);
        if (!slept) break;
        pause = std::min<duration>(pause * 2, 500ms);
    }
}

void drop_what_is_kept(place& here) {
    for (const kept_bytes& each : here.kept) each.check();
    here.kept.clear();
}

task<> preside(role who) {
    const bool in_order = !who.all.next.one_in(3);
    {
        tuyau::scope crowd;
        co_await let_them_act(who, crowd);
        if (in_order) {
            crowd.stop();
            co_await crowd.join();
        }
    } // else they are destroyed wherever they are
    who.all.check_time();
}

/// As long as others have tasks here that they wait for.
task<> await_guests(role who) {
    place& here = who.here();
    here.closing = true;
    while (here.visits != 0) {
        here.unvisited.reset();
        auto gone = co_await here.unvisited.wait();
        expect(gone.has_value(), "a wait ended that nobody had stopped");
    }
}

task<> preside_among_others(role who) {
    co_await preside(who);
    drop_what_is_kept(who.here());
    who.here().loose.clear(); // some are on other loops
    co_await await_guests(who);
    who.here().loose.clear();
    drop_what_is_kept(who.here());
    who.all.check_time();
}

void run_one(world& all) {
    place& here = all.all.front();
    {
        tuyau::loop own(small_options(all));
        here.handle = own.handle();
        if (all.next.one_in(4)) all.here.set_descriptor_limit(all.here.open_descriptors() + 3 + all.next.below(12));
        own.run(preside({all, 0}));
        if (all.next.one_in(2) && !all.over()) own.run(preside({all, 0}));
        if (all.next.one_in(2)) here.loose.clear();
        if (all.next.one_in(2)) drop_what_is_kept(here);
    }
    here.handle = nullptr;
    here.loose.clear();
    drop_what_is_kept(here);
    all.here.set_descriptor_limit(1'000'000);
    all.check_time();
    all.check_end();
    tuyau::loop other(small_options(all));
    other.run(fail_beside_a_sleeper());
    if (all.here.is_tight()) other.run(read_beside_a_slow_reader());
}

void run_among_others(world& all, std::size_t at) {
    tuyau::loop own(small_options(all));
    all.all[at].handle = own.handle();
    own.run(preside_among_others({all, at}));
}

} // namespace

void run_on_one_loop(kernel& here, choices next) {
    do {
        world all(here, next, 1);
        run_one(all);
    } while (!next.over());
}

void run_on_several_loops(kernel& here, choices next) {
    const std::size_t count = 2 + next.below(3);
    world all(here, next, count);
    std::vector<std::thread> threads;
    here.expect_threads(count);
    here.keep_turns();
    for (std::size_t at = 0; at < count; ++at) threads.emplace_back([&all, at] { run_among_others(all, at); });
    for (std::thread& each : threads) each.join();
    for (place& each : all.all) each.handle = nullptr; // the last to know their inboxes
    all.check_time();
    all.check_end();
}

} // namespace simulation::programs
