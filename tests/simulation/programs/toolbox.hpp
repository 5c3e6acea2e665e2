#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include <tuyau/runtime/sync/channel.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/sync/latch.hpp>
#include <tuyau/runtime/sync/mutex.hpp>
#include <tuyau/runtime/sync/semaphore.hpp>

#include "../scenario.hpp"
#include "choices.hpp"

namespace simulation::programs {

/// An item of a channel, which must arrive once at most, and after those that its sender has sent before.
struct parcel {
    std::size_t number;
    std::size_t sender;
};

struct within_one_loop {
    using event = tuyau::event;
    using latch = tuyau::latch;
    using mutex = tuyau::mutex;
    using semaphore = tuyau::semaphore;
    using channel = tuyau::channel<std::unique_ptr<parcel>>;
};
struct across_several_loops {
    using event = tuyau::concurrent::event;
    using latch = tuyau::concurrent::latch;
    using mutex = tuyau::concurrent::mutex;
    using semaphore = tuyau::concurrent::semaphore;
    using channel = tuyau::concurrent::channel<std::unique_ptr<parcel>>;
};

/// One of each kind of synchronisation, and what must hold of them.
template <class Set>
class toolbox {
public:
    using set = Set;

    explicit toolbox(choices& next)
        : units(next.one_of<std::size_t>(1, 2, 3)), shared(units), line(next.one_of<std::size_t>(1, 2, 7)) {}

    typename Set::mutex room;
    bool occupied = false;

    const std::size_t units;
    typename Set::semaphore shared;
    std::size_t taken = 0;

    typename Set::event flag;
    std::size_t flags_set = 0;

    typename Set::channel line;

    std::unique_ptr<parcel> make(std::size_t sender) {
        parcels_.push_back({});
        return std::make_unique<parcel>(parcel{parcels_.size() - 1, sender});
    }
    std::size_t new_sender() noexcept { return ++senders_; }

    void sent(std::size_t number) { parcels_[number].sent = true; }

    void received(const std::unique_ptr<parcel>& got) {
        expect(got != nullptr, "an empty item came out of a channel");
        auto& known = parcels_.at(got->number);
        expect(!known.received, "parcel {} was received twice", got->number);
        known.received = true;
        const auto [last, first] = last_received_.try_emplace(got->sender, got->number);
        expect(first || last->second < got->number, "parcel {} came after {} of the same sender", got->number,
               last->second);
        last->second = got->number;
    }

    /// When nobody uses any of it any more.
    void check_end() {
        while (auto left = line.try_receive()) received(*left);
        for (std::size_t number = 0; number < parcels_.size(); ++number)
            expect(!parcels_[number].sent || parcels_[number].received, "parcel {} was sent, and lost", number);
        expect(shared.available() == units, "of {} units {} are left", units, shared.available());
        expect(taken == 0 && !occupied, "somebody holds what nobody can hold any more");
        expect(room.try_lock().owns_lock(), "a mutex is locked, and by nobody");
    }

private:
    struct fate {
        bool sent = false;
        bool received = false;
    };
    std::vector<fate> parcels_;
    std::map<std::size_t, std::size_t> last_received_; // by sender
    std::size_t senders_ = 0;
};

} // namespace simulation::programs
