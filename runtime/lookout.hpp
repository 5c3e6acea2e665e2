#pragma once

#include <array>

#include <tuyau/runtime/list.hpp>
#include <tuyau/runtime/timer_wheel.hpp>

namespace tuyau {

class stream_operation;

/// The streams of one loop that have brought something of late. Each is looked at once (`stream_operation::look`) after it
/// has brought nothing for half a second to a second: one timer for all of them, and none in a stream.
class lookout final : private timer_node {
public:
    /// The list that those are in which have brought something in the present half second.
    bool present() const noexcept { return present_; }

    /// A stream, whose request is in flight, has brought something.
    void add(stream_operation& stream) noexcept;

private:
    void expire() noexcept override;

    // Those that have brought something since the present half second began, and those that did in the one before it.
    std::array<list<stream_operation>, 2> lists_;
    bool present_ = false;
};

} // namespace tuyau
