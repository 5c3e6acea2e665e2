#pragma once

#include <cstddef>
#include <memory>

#include "../peer.hpp"
#include "../scenario.hpp"

namespace simulation::scenarios {

/// What all who visit a server must bear with.
struct opening_hours {
    bool has_room = true; ///< for everybody at once
    bool ending = false;  ///< it has been asked to end
    instant asked_to_end{};
    static constexpr duration drain = 10s; ///< then what is under way is broken off
};

/// One client's connection to a server, and what may have become of it: judged by what happened to this one, not to others.
class visit {
public:
    explicit visit(const opening_hours& hours) noexcept : hours_(hours) {}

    /// Comes in; false when it is not let in, for which there must be a reason.
    action<bool> enter(std::uint16_t port);

    peer& line() noexcept { return *line_; }
    const std::shared_ptr<peer>& shared_line() const noexcept { return line_; }

    /// A request is about to be sent. From now on an answer is owed.
    void ask() noexcept;
    void answered() noexcept;

    /// Whether an hour's pause on the line may have made the server lose its patience.
    bool may_have_stalled() const noexcept;

    /// Whether the server need not have answered, and may have closed the connection.
    bool is_excused() const noexcept;

private:
    bool is_under_way() const noexcept;

    const opening_hours& hours_;
    std::shared_ptr<peer> line_;
    instant asked_at_{};
    bool is_owed_ = false;
    bool was_served_ = false;
    duration longest_wait_{};
};

} // namespace simulation::scenarios
