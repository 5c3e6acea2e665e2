// What the user of a ring must not do.

#include "ring.hpp"

#include <fmt/format.h>

#include "memory.hpp"

namespace simulation {

void simulated_ring::check_thread() {
    // Refused by a real kernel (EEXIST).
    if ((flags_ & IORING_SETUP_SINGLE_ISSUER) != 0 && maker_ != std::this_thread::get_id())
        kernel_.violation("a ring for a single thread was used on another one");
}

void simulated_ring::check_idle() {
    for (const auto& [id, request] : requests_) {
        const int operation = request->entry.opcode;
        // The runtime watches its eventfd to the end. What tells of failures only is waited for by nobody, if it names no
        // memory: cancels, or what stands for one that has become needless, and messages.
        const bool is_told = (request->entry.flags & IOSQE_CQE_SKIP_SUCCESS) == 0;
        const bool names_nothing =
            operation == IORING_OP_ASYNC_CANCEL || operation == IORING_OP_MSG_RING || operation == IORING_OP_NOP;
        const bool may_be_left = (names_nothing && !is_told) || dynamic_cast<event_file*>(request->on.get()) != nullptr;
        if (!may_be_left) kernel_.violation(name_of(*request) + " was in flight when its ring was closed");
    }
}

void simulated_ring::check_memory(const pending_request& request) {
    for (const iovec& piece : request.pieces)
        if (!memory::is_alive(piece.iov_base, piece.iov_len))
            kernel_.violation(name_of(request) + " names memory that is gone");
}

void simulated_ring::check_content(const pending_request& request) {
    if (request.content != 0 && sum_of(request.pieces) != request.content) // 0: it was refused before it was looked at
        kernel_.violation("the bytes of " + name_of(request) + " were changed while it was in flight");
}

void simulated_ring::check_lone_send(const file& on, const std::string& next) {
    for (const file::waiting_request& each : on.waiting()) {
        const auto place = requests_.find(each.request);
        if (each.ring != number_ || place == requests_.end() || place->second->notification_due) continue;
        if (is_send(place->second->entry.opcode))
            kernel_.violation(
                fmt::format("{} was made while #{} still sends on the same socket", next, place->second->id));
    }
}

std::string simulated_ring::name_of(const pending_request& request) const {
    return fmt::format("request #{} ({})", request.id, trace::name_of_operation(request.entry.opcode));
}

} // namespace simulation
