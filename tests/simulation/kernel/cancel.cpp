// Cancelling requests: in time, too late, or while the kernel does not find them.

#include "ring.hpp"

#include <cerrno>

namespace simulation {

int simulated_ring::cancel(const pending_request& request) {
    const unsigned flags = request.entry.cancel_flags;
    const bool any = (flags & IORING_ASYNC_CANCEL_ANY) != 0;
    const bool all = any || (flags & IORING_ASYNC_CANCEL_ALL) != 0;
    int found = 0;
    int result = -ENOENT;
    std::vector<std::uint64_t> targets;
    for (auto& [id, each] : requests_) {
        if (each->entry.opcode == IORING_OP_ASYNC_CANCEL || each->notification_due) continue;
        if (any || each->entry.user_data == request.entry.addr) targets.push_back(id);
    }
    for (const std::uint64_t id : targets) {
        if (kernel_.strikes(fault::cancel_not_found)) continue; // on its way between two parts of the kernel
        ++found;
        result = 0;
        if (kernel_.strikes(fault::cancel_of_one_that_runs)) {
            result = -EALREADY;
            later(2ms, [this, id] { finish_cancelled(id, -EINTR); });
        } else {
            cancel_one(*requests_.at(id));
        }
        if (!all) break;
    }
    return all ? found : result;
}

void simulated_ring::cancel_one(pending_request& target) {
    const std::uint64_t id = target.id;
    if (kernel_.probability(fault::result_despite_cancel) > 0 && target.entry.opcode != IORING_OP_TIMEOUT) {
        unsigned flags = 0;
        const outcome result = kernel_.random().chance(0.5) ? attempt(target, flags) : std::nullopt;
        if (result) {
            kernel_.count(fault::result_despite_cancel);
            complete(target, *result, flags);
            if (!requests_.contains(id)) return; // a multishot request has its end still to come
        }
    }
    later(kernel_.random().one_of<duration>(0ns, 0ns, 500us), [this, id] { finish_cancelled(id, -ECANCELED); });
}

void simulated_ring::finish_cancelled(std::uint64_t id, int result) {
    const auto place = requests_.find(id);
    if (place == requests_.end() || place->second->notification_due) return;
    pending_request& request = *place->second;
    if (request.entry.opcode == IORING_OP_CONNECT && request.started) left_connects_.insert(request.entry.fd);
    complete(request, request.done != 0 ? static_cast<int>(request.done) : result, 0);
}

} // namespace simulation
