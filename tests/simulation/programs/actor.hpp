#pragma once

#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/task.hpp>

#include "world.hpp"

namespace simulation::programs {

/// Takes some steps, one after another, which the choices pick; ends early when it is stopped or all is over.
tuyau::task<> act(role who);

/// The same; a mishap ends with it.
tuyau::task<> act_safely(role who);

/// A nap of a length that the choices pick; whether it was not cut short.
tuyau::task<bool> nap(role who);

/// The steps of some kinds.
tuyau::task<> synchronise(role who);
tuyau::task<> make_request(role who);
tuyau::task<> use_pipe(role who);
tuyau::task<> talk_to_somebody(role who);
tuyau::task<> send_without_copy(role who);

/// Accepts on a listener of its own, and answers, until it is stopped.
tuyau::task<> listen(role who);

/// One end of a connection: sends and receives, holds, moves and breaks it.
tuyau::task<> talk(role who, tuyau::tcp_stream stream, conversation& about, unsigned side, std::uint64_t sent,
                   std::uint64_t received);

} // namespace simulation::programs
