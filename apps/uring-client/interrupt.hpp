#pragma once

#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/signal.hpp>

namespace uring_client {

/// While it lives, SIGINT, SIGTERM and SIGHUP stop the work under a deadline in place of ending the program on the spot,
/// so that what was begun is tidied up. Signals that whoever started the program chose to ignore stay ignored.
class interrupt {
public:
    explicit interrupt(tuyau::deadline& work);

    /// The signal that came, or 0.
    int number() const noexcept { return number_; }

private:
    tuyau::task<> watch(tuyau::deadline& work);

    int number_ = 0;
    tuyau::signal_set signals_;
    tuyau::scope watching_;
};

/// Ends the program the way `number` would have ended it, so that whoever started it sees that.
[[noreturn]] void end_by_signal(int number);

} // namespace uring_client
