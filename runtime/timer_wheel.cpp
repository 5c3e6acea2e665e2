#include <tuyau/runtime/timer_wheel.hpp>

#include <algorithm>
#include <chrono>

namespace tuyau {

using std::chrono::milliseconds;

void timer_wheel::arm(timer_node& node, clock::time_point when) noexcept {
    node.unlink();
    node.when_ = when;
    place(node);
}

std::uint64_t timer_wheel::tick_of(const timer_node& node) const noexcept {
    return static_cast<std::uint64_t>(std::chrono::ceil<milliseconds>(std::max(node.when_, start_) - start_).count());
}

void timer_wheel::place(timer_node& node) noexcept {
    const std::uint64_t tick = std::clamp(tick_of(node), now_ + 1, now_ + horizon);
    // The level is that of the highest digit, in base 64, in which the node's tick differs from the present.
    const std::uint64_t difference = (tick ^ now_) | (slots - 1);
    const unsigned index = std::min((63u - static_cast<unsigned>(std::countl_zero(difference))) / bits, levels - 1);
    const unsigned slot = static_cast<unsigned>(tick >> (index * bits)) & (slots - 1);
    levels_[index].slot[slot].push_back(node);
    levels_[index].occupied |= std::uint64_t{1} << slot;
    in_use_ |= 1u << index;
}

std::optional<timer_wheel::expiry> timer_wheel::first() const noexcept {
    while (in_use_ != 0) {
        const auto index = static_cast<unsigned>(std::countr_zero(in_use_));
        const level& here = levels_[index];
        while (here.occupied != 0) {
            const unsigned shift = index * bits;
            const unsigned present = static_cast<unsigned>(now_ >> shift) & (slots - 1);
            const auto distance =
                static_cast<unsigned>(std::countr_zero(std::rotr(here.occupied, static_cast<int>(present))));
            const unsigned slot = (present + distance) & (slots - 1);
            if (here.slot[slot].empty()) {
                here.occupied &= ~(std::uint64_t{1} << slot);
                continue;
            }
            const std::uint64_t tick = ((now_ >> shift) + distance) << shift;
            return expiry{index, slot, std::max(tick, now_)};
        }
        in_use_ &= in_use_ - 1;
    }
    return std::nullopt;
}

void timer_wheel::advance(clock::time_point now) noexcept {
    const auto elapsed = std::chrono::floor<milliseconds>(std::max(now, start_) - start_);
    const auto target = static_cast<std::uint64_t>(elapsed.count());
    while (now_ < target) {
        const auto due = first();
        if (!due || due->tick > target) {
            now_ = target;
            return;
        }
        now_ = due->tick;
        list<timer_node> moved;
        moved.take(levels_[due->level].slot[due->slot]);
        levels_[due->level].occupied &= ~(std::uint64_t{1} << due->slot);
        while (timer_node* node = moved.pop_front()) {
            if (tick_of(*node) <= now_)
                node->expire();
            else
                place(*node);
        }
    }
}

std::optional<timer_wheel::clock::time_point> timer_wheel::next() const noexcept {
    const auto due = first();
    if (!due) return std::nullopt;
    return start_ + milliseconds(static_cast<milliseconds::rep>(due->tick));
}

void timer_wheel::clear() noexcept {
    for (level& each : levels_) {
        for (auto& slot : each.slot) slot.clear();
        each.occupied = 0;
    }
    in_use_ = 0;
}

} // namespace tuyau
