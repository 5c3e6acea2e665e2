#include "actor.hpp"

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/timer.hpp>

namespace simulation::programs {

using tuyau::task;

namespace {

/// Sets a mark for as long as it lives, however it ends.
class mark {
public:
    explicit mark(bool& flag) noexcept : flag_(flag) { flag_ = true; }
    mark(const mark&) = delete;
    ~mark() { flag_ = false; }

private:
    bool& flag_;
};

template <class Tools>
task<> hold_room(role who, Tools& tools) {
    if (who.all.next.one_in(4)) {
        auto held = tools.room.try_lock();
        expect(!held.owns_lock() || !tools.occupied, "two are in a room for one");
        co_return;
    }
    auto held = co_await tools.room.lock();
    if (!held) co_return;
    expect(!tools.occupied, "two are in a room for one");
    const mark inside(tools.occupied);
    const bool slept = co_await nap(who);
    (void)slept;
}

template <class Tools>
class unit {
public:
    explicit unit(Tools& tools) : tools_(tools) {
        ++tools_.taken;
        expect(tools_.taken <= tools_.units, "{} hold {} units", tools_.taken, tools_.units);
    }
    unit(const unit&) = delete;
    ~unit() {
        --tools_.taken;
        tools_.shared.release();
    }

private:
    Tools& tools_;
};

template <class Tools>
task<> take_unit(role who, Tools& tools) {
    if (who.all.next.one_in(4)) {
        if (!tools.shared.try_acquire()) co_return;
    } else {
        auto taken = co_await tools.shared.acquire();
        if (!taken) co_return;
    }
    const unit<Tools> mine(tools);
    const bool slept = co_await nap(who);
    (void)slept;
}

template <class Tools>
task<> use_flag(role who, Tools& tools) {
    switch (who.all.next.below(4)) {
    case 0:
        ++tools.flags_set;
        tools.flag.set();
        break;
    case 1: tools.flag.reset(); break;
    default: {
        const bool was_set = tools.flag.is_set();
        const std::size_t before = tools.flags_set;
        auto seen = co_await tools.flag.wait();
        expect(!seen || was_set || tools.flags_set != before, "a wait for an event ended, which nobody had set");
    }
    }
}

template <class Latch>
task<> arrive(role who, Latch& gate, std::size_t& arrived) {
    const bool slept = co_await nap(who);
    (void)slept;
    ++arrived;
    auto open = co_await gate.arrive_and_wait();
    expect(!open || gate.is_down(), "a latch let somebody through before it was down");
}

template <class Tools>
task<> meet(role who, Tools&) {
    const std::size_t count = 1 + who.all.next.below(3);
    std::size_t arrived = 0;
    typename Tools::set::latch gate(count);
    tuyau::scope guests;
    for (std::size_t left = count; left != 0; --left) guests.spawn(arrive(who, gate, arrived));
    auto open = co_await gate.wait();
    expect(!open || arrived == count, "a latch of {} went down with {}", count, arrived);
}

template <class Tools>
task<> send_parcels(role who, Tools& tools) {
    const std::size_t sender = tools.new_sender();
    for (auto left = 1 + who.all.next.below(4); left != 0; --left) {
        auto made = tools.make(sender);
        const std::size_t number = made->number;
        if (who.all.next.one_in(4)) {
            if (!tools.line.try_send(std::move(made))) {
                expect(made != nullptr, "a channel without room took the item all the same");
                co_return;
            }
        } else {
            auto sent = co_await tools.line.send(std::move(made));
            if (!sent) co_return;
        }
        tools.sent(number);
    }
}

template <class Tools>
task<> receive_parcel(Tools& tools) {
    auto got = co_await tools.line.receive();
    if (got) tools.received(*got);
}

template <class Tools>
task<> receive_parcels(role who, Tools& tools) {
    for (auto left = 1 + who.all.next.below(5); left != 0; --left) {
        switch (who.all.next.below(3)) {
        case 0:
            if (auto got = tools.line.try_receive()) tools.received(*got);
            break;
        case 1: {
            auto ended =
                co_await tuyau::with_deadline(who.all.next.one_of<duration>(0ns, 10us, 2ms), receive_parcel(tools));
            (void)ended;
            break;
        }
        default: co_await receive_parcel(tools);
        }
    }
}

template <class Tools>
task<> use(role who, Tools& tools) {
    switch (who.all.next.below(16)) {
    case 0:
    case 1:
    case 2: return hold_room(who, tools);
    case 3:
    case 4:
    case 5: return take_unit(who, tools);
    case 6:
    case 7: return use_flag(who, tools);
    case 8: return meet(who, tools);
    case 9:
        if (who.all.next.one_in(8)) tools.line.close();
        [[fallthrough]];
    case 10:
    case 11:
    case 12: return receive_parcels(who, tools);
    default: return send_parcels(who, tools);
    }
}

} // namespace

task<> synchronise(role who) { return who.all.next.one_in(2) ? use(who, who.all.common) : use(who, who.here().tools); }

} // namespace simulation::programs
