#include "faults.hpp"

namespace simulation {
namespace {

/// How much of a fault a program can bear and still get on: some strike every request, some at most a few in a run.
double highest(fault kind) noexcept {
    switch (kind) {
    case fault::connection_reset:
    case fault::connection_timed_out:
    case fault::connection_stalled:
    case fault::connection_refused: return 0.3; // of the connections
    case fault::feature_missing: return 0.5;
    case fault::short_receive:
    case fault::short_send:
    case fault::late_start:
    case fault::multishot_ended_with_data: return 1.0;
    case fault::process_out_of_descriptors:
    case fault::system_out_of_descriptors:
    case fault::unnoticed_hang_up:
    case fault::out_of_network_memory:
    case fault::aborted_accept: return 0.7;
    default: return 0.5;
    }
}

} // namespace

faults::faults(random_source& random) noexcept : random_(random) {
    if (random_.chance(0.02)) return; // a fine day
    for (std::size_t kind = 0; kind < fault_kinds; ++kind) {
        const double limit = highest(static_cast<fault>(kind));
        const auto strength = random_.below(10);
        if (strength >= 7)
            probabilities_[kind] = limit * 0.03;
        else if (strength >= 5)
            probabilities_[kind] = limit * 0.2;
        else if (strength == 4)
            probabilities_[kind] = limit;
    }
}

} // namespace simulation
