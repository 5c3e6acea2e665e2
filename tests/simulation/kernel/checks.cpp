// What the user of a ring must not do.

#include "ring.hpp"

#include <fmt/format.h>

#include "memory.hpp"

namespace simulation {

void simulated_ring::check_memory(const pending_request& request) {
    for (const iovec& piece : request.pieces)
        if (!memory::is_alive(piece.iov_base, piece.iov_len))
            kernel_.violation(name_of(request) + " names memory that is gone");
}

void simulated_ring::check_content(const pending_request& request) {
    if (request.content != 0 && sum_of(request.pieces) != request.content) // 0: it was refused before it was looked at
        kernel_.violation("the bytes of " + name_of(request) + " were changed while it was in flight");
}

void simulated_ring::check_lone_send(const pending_request& request) {
    for (const file::waiting_request& each : request.on->waiting()) {
        const auto place = requests_.find(each.request);
        if (each.ring != number_ || place == requests_.end() || place->second->notification_due) continue;
        if (is_send(place->second->entry.opcode))
            kernel_.violation(fmt::format("{} was submitted while #{} still sends on the same socket", name_of(request),
                                          place->second->id));
    }
}

std::string simulated_ring::name_of(const pending_request& request) const {
    return fmt::format("request #{} ({})", request.id, trace::name_of_operation(request.entry.opcode));
}

} // namespace simulation
