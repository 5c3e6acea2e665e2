#include "visit.hpp"

#include <cstring>

#include "excuses.hpp"

namespace simulation::scenarios {

action<bool> visit::enter(std::uint16_t port) {
    line_ = std::make_shared<peer>(co_await peer::connect(port));
    if (line_->is_open()) co_return true;
    expect(was_kept_out(*line_) || hours_.ending, "a client was not let in: {}", strerrorname_np(line_->error()));
    co_return false;
}

void visit::ask() noexcept {
    is_owed_ = true;
    asked_at_ = kernel::current().now();
}

void visit::answered() noexcept {
    longest_wait_ = std::max(longest_wait_, kernel::current().now() - asked_at_);
    was_served_ = true;
    is_owed_ = false;
}

bool visit::may_have_stalled() const noexcept {
    constexpr duration shortest_patience = 9s; // the server has 10 s for a head, and more for anything else
    const duration present_wait = is_owed_ ? kernel::current().now() - asked_at_ : duration(0);
    return has_happened(fault::connection_stalled) && std::max(longest_wait_, present_wait) > shortest_patience;
}

bool visit::is_excused() const noexcept {
    return was_broken_off(*line_) || may_have_stalled() || (hours_.ending && !is_under_way());
}

/// Whether what was asked had come to the server before it was asked to end, and may still be answered.
bool visit::is_under_way() const noexcept {
    constexpr duration on_its_way = 2s; // as slow a line as any, and what the program needs to get to it
    const bool is_in =
        was_served_ ||
        (hours_.has_room && !any_has_happened({fault::process_out_of_descriptors, fault::system_out_of_descriptors,
                                               fault::out_of_network_memory}));
    return is_owed_ && is_in && asked_at_ + on_its_way < hours_.asked_to_end &&
           !has_happened(fault::connection_stalled) &&
           kernel::current().now() < hours_.asked_to_end + opening_hours::drain;
}

} // namespace simulation::scenarios
