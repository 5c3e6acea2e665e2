#include "trace.hpp"

#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <liburing.h>

#include "faults.hpp"

namespace simulation {
namespace {

const char* result_text(std::int64_t result) {
    return result < 0 ? strerrorname_np(static_cast<int>(-result)) : nullptr;
}

} // namespace

const char* trace::name_of_operation(int operation) {
    switch (operation) {
    case IORING_OP_NOP: return "NOP";
    case IORING_OP_POLL_ADD: return "POLL_ADD";
    case IORING_OP_SENDMSG: return "SENDMSG";
    case IORING_OP_TIMEOUT: return "TIMEOUT";
    case IORING_OP_ACCEPT: return "ACCEPT";
    case IORING_OP_ASYNC_CANCEL: return "ASYNC_CANCEL";
    case IORING_OP_CONNECT: return "CONNECT";
    case IORING_OP_OPENAT: return "OPENAT";
    case IORING_OP_CLOSE: return "CLOSE";
    case IORING_OP_STATX: return "STATX";
    case IORING_OP_READ: return "READ";
    case IORING_OP_WRITE: return "WRITE";
    case IORING_OP_SEND: return "SEND";
    case IORING_OP_RECV: return "RECV";
    case IORING_OP_OPENAT2: return "OPENAT2";
    case IORING_OP_MSG_RING: return "MSG_RING";
    case IORING_OP_SEND_ZC: return "SEND_ZC";
    default: return "?";
    }
}

void trace::add(const entry& next) {
    mix(static_cast<std::uint64_t>(next.when.time_since_epoch().count()));
    mix(static_cast<std::uint64_t>(next.kind));
    mix(static_cast<std::uint64_t>(next.ring));
    mix(next.request);
    mix(static_cast<std::uint64_t>(next.subject));
    mix(static_cast<std::uint64_t>(next.result));
    mix(next.flags);
    ++size_;
    kept_.push_back(next);
    if (kept_.size() > most_kept) kept_.pop_front();
    if (out_ != nullptr) print(out_, next);
}

void trace::mix_in(const char* bytes, std::size_t size) noexcept {
    for (std::size_t index = 0; index < size; ++index) mix(static_cast<unsigned char>(bytes[index]));
}

void trace::print_tail(std::FILE* out) const {
    if (size_ > kept_.size()) fmt::print(out, "  ({} entries before these)\n", size_ - kept_.size());
    for (const entry& each : kept_) print(out, each);
}

void trace::print(std::FILE* out, const entry& each) {
    const double seconds = std::chrono::duration<double>(each.when.time_since_epoch()).count() - 3'600'000;
    const auto result = [&] {
        const char* name = result_text(each.result);
        return name != nullptr ? fmt::format("-{}", name) : fmt::format("{}", each.result);
    };
    std::string text;
    switch (each.kind) {
    case what::submitted:
        text = fmt::format("#{} {} submitted, descriptor {}, flags {:#x}", each.request,
                           name_of_operation(each.subject), each.result, each.flags);
        break;
    case what::completed:
        text = fmt::format("#{} {} completed: {}{}{}", each.request, name_of_operation(each.subject), result(),
                           (each.flags & IORING_CQE_F_MORE) != 0 ? ", more" : "",
                           (each.flags & IORING_CQE_F_BUFFER) != 0
                               ? fmt::format(", buffer {}", each.flags >> IORING_CQE_BUFFER_SHIFT)
                               : "");
        break;
    case what::call: text = fmt::format("{}({}) = {}", each.text, each.subject, result()); break;
    case what::note: text = fmt::format("{} {}", each.text, result()); break;
    case what::entered:
        text = fmt::format("enter: {} in {} prepared, wait for {}", result(), each.subject, each.flags);
        break;
    case what::fault: text = fmt::format("fault: {}", fault_names[static_cast<std::size_t>(each.subject)]); break;
    }
    fmt::print(out, "  {:14.9f} ring {:2} {}\n", seconds, each.ring, text);
}

} // namespace simulation
