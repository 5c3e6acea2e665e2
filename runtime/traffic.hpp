#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <tuyau/runtime/system.hpp>

namespace tuyau {

/// What the streams of one loop bring, and how the loop waits and sends because of it: many busy streams are served in
/// batches, few at once.
///
/// A stream is active in an epoch if it brings something in it. An epoch ends when each active stream has brought about
/// four things, or has lasted `longest_epoch`.
class traffic {
public:
    using clock = system::clock;

    /// Waits gather for so long at most.
    static constexpr std::chrono::microseconds longest_gathering{200};

    /// A stream has brought something; `last_active` is the stream's own, 0 at first.
    void arrived(std::uint16_t& last_active) noexcept {
        ++arrivals_;
        ++arrivals_of_round_;
        if (last_active == epoch_) return;
        last_active = epoch_;
        ++active_;
    }

    /// The loop is about to read completions.
    void begin_round() noexcept { arrivals_of_round_ = 0; }

    /// The loop has read them.
    void end_of_reading() noexcept {
        direct_sends_ = arrivals_of_round_ <= few ? arrivals_of_round_ : 0;
        if (gathering_ > 1) judge_gathering();
    }

    /// Whether a send may try the socket at once, in place of waiting for the end of the round: where little has come, one
    /// call for each costs less than a request and its completion. No more than came, so that nobody is kept waiting.
    bool may_send_directly() noexcept {
        if (direct_sends_ == 0) return false;
        --direct_sends_;
        return true;
    }

    /// How many completions the next wait is to gather, if they come soon, where `prepared` requests mostly end at once; 1
    /// for a wait that is to end with the first.
    unsigned to_gather(clock::time_point now, unsigned prepared) noexcept {
        look_at_epoch(now);
        gathering_ = 1;
        if (to_gather_ == 1) return 1;
        const unsigned count = std::min(to_gather_ + prepared, most_at_once_);
        if (count > prepared) gathering_ = count - prepared;
        return count;
    }

private:
    /// Gathers a part of the active streams only: the others may wait for what we answer, and we for them in vain.
    void look_at_epoch(clock::time_point now) noexcept {
        const auto lasted = now - epoch_began_;
        if (arrivals_ < 4 * active_ + 64 && lasted < longest_epoch) return;
        const auto soon = static_cast<unsigned>(arrivals_ * clock::duration(longest_gathering) /
                                                std::max(lasted, clock::duration(1)));
        to_gather_ = active_ < fewest_active || soon < fewest_soon ? 1 : std::min(most, active_ / 4);
        most_at_once_ = std::clamp(active_ / 3, fewest_at_once, most_before_sending);
        epoch_began_ = now;
        active_ = arrivals_ = 0;
        if (++epoch_ == 0) epoch_ = 1;
        if (pause_left_ != 0) {
            --pause_left_;
            to_gather_ = 1;
        }
    }

    /// Streams that come in their own time, not when we have answered, come one by one: a wait for several of them is a
    /// delay and nothing else. So one that was in vain ends the gathering for a while, and for longer each time.
    void judge_gathering() noexcept {
        const bool in_vain = arrivals_of_round_ < gathering_ - gathering_ / 4;
        gathering_ = 1;
        if (in_vain) {
            to_gather_ = 1;
            pause_left_ = pause_;
            pause_ = std::min(2 * pause_, longest_pause);
        } else {
            pause_ = std::max(pause_ / 2, 1u);
        }
    }

    static constexpr std::chrono::milliseconds longest_epoch{10};
    static constexpr unsigned fewest_active = 32; // to gather at all
    static constexpr unsigned fewest_soon = 6;    // in the time of a gathering
    static constexpr unsigned most = 32;          // to gather
    // The kernel brings as many as a wait is for, if they are there, before it sleeps. To be answered before more are
    // looked at: not all, or clients would have nothing to do meanwhile, nor more than the processor's caches hold.
    static constexpr unsigned fewest_at_once = 20; // that it brings anyway (IO_LOCAL_TW_DEFAULT_MAX)
    static constexpr unsigned most_before_sending = 48;
    static constexpr unsigned longest_pause = 64; // epochs without gathering
    static constexpr unsigned few = 4;            // to be answered directly

    clock::time_point epoch_began_{};
    unsigned arrivals_ = 0;
    unsigned active_ = 0;
    unsigned to_gather_ = 1;
    unsigned most_at_once_ = fewest_at_once;
    unsigned gathering_ = 1; // in the present wait
    unsigned pause_ = 1;     // epochs, after the next wait in vain
    unsigned pause_left_ = 0;
    unsigned arrivals_of_round_ = 0;
    unsigned direct_sends_ = 0;
    std::uint16_t epoch_ = 1;
};

} // namespace tuyau
