#include <tuyau/runtime/lookout.hpp>

#include <chrono>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/stream_operation.hpp>

namespace tuyau {
namespace {

constexpr std::chrono::milliseconds period{500};

// A look may be a system call. The loop does other things between so many.
constexpr unsigned most_at_once = 64;
constexpr std::chrono::milliseconds pause{1};

} // namespace

void lookout::add(stream_operation& stream) noexcept {
    stream.lookout_list_ = present_;
    lists_[present_].push_back(stream);
    loop& here = loop::current();
    if (!timer_node::linked()) here.arm(*this, here.now() + period);
}

void lookout::expire() noexcept {
    loop& here = loop::current();
    list<stream_operation>& quiet = lists_[!present_];
    for (unsigned count = 0; count < most_at_once && !quiet.empty(); ++count) quiet.pop_front()->look();
    if (!quiet.empty()) return here.arm(*this, here.now() + pause);
    present_ = !present_;
    if (!lists_[!present_].empty()) here.arm(*this, here.now() + period);
}

} // namespace tuyau
