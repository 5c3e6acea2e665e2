#include "present_kernel.hpp"

#include <catch2/catch_message.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "../kernel/kernel.hpp"

namespace conformance {

using namespace simulation;

struct present_kernel::parts {
    explicit parts(std::uint64_t seed) : here(seed) {}
    kernel here;
};

present_kernel::present_kernel() {
    constexpr std::uint64_t seeds = 20;
    parts_ = std::make_unique<parts>(GENERATE(range(std::uint64_t{1}, seeds + 1)));
    kernel& here = parts_->here;
    here.weather().calm();
    here.set_complete();
    random_source& random = here.random();
    line_quality line;
    line.latency = random.one_of<duration>(0ns, 20us, 2ms);
    line.jitter = random.one_of<duration>(0ns, 10us);
    line.largest_segment = random.one_of<std::size_t>(536, 1460, 65536);
    line.breaks_up = false; // what is sent at once arrives at once, as on the loopback
    line.send_room = random.one_of<std::size_t>(2304, 65536, 262144);
    line.receive_room = random.one_of<std::size_t>(2304, 65536, 262144);
    here.net().set_line(line);
    here.set_replay("conformance_simulated, the test that was running");
}

present_kernel::~present_kernel() = default;

std::pair<int, int> present_kernel::make_pipe() {
    kernel& here = parts_->here;
    auto shared = std::make_shared<pipe_buffer>();
    const int reader = here.open(std::make_shared<pipe_reader>(here, shared));
    return {reader, here.open(std::make_shared<pipe_writer>(here, shared))};
}

std::string present_kernel::free_path() { return "/file"; }

void present_kernel::send_signal(int number) { parts_->here.signal(number); }

void present_kernel::leave_descriptors(unsigned count) {
    parts_->here.set_descriptor_limit(parts_->here.open_descriptors() + count);
}

} // namespace conformance
