#pragma once

#include "../scenario.hpp"

/// The program's main function.
int uring_http_main(int, char**);

namespace simulation::scenarios {

/// In this kernel no connection is kept out or waiting, broken off or stalled.
inline void spare_connections(kernel& here) {
    for (const fault each : {fault::connection_reset, fault::connection_timed_out, fault::connection_stalled,
                             fault::connection_refused, fault::aborted_accept, fault::process_out_of_descriptors,
                             fault::system_out_of_descriptors, fault::out_of_network_memory})
        here.weather().set(each, 0);
}

/// `--threads N`, with more than one for a seed in three: those take turns. Not of the seed's chance, so that seeds that
/// were kept before there were threads keep their meaning.
std::size_t threads_of(kernel& here);

/// What so many threads hold besides the first one: a ring, an event and a listener each.
constexpr std::size_t descriptors_of(std::size_t more_threads) noexcept { return 3 * more_threads; }

/// Clients that fall silent, and how long they are borne with.
void uring_http_times(kernel& here);

/// Clients in the middle of something when the server is asked to end.
void uring_http_drain(kernel& here);

/// Files that are changed while clients fetch them.
void uring_http_files(kernel& here);

/// The library's server with a handler that reads and writes at the same time.
void handlers_at_both_ends(kernel& here);

/// One that asks without end, and another that asks once.
void uring_http_fairness(kernel& here);

} // namespace simulation::scenarios
