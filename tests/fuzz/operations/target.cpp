// Programs of runtime operations over a simulated kernel: the first eight bytes are the kernel's seed, whose highest bit
// chooses several loops; the others say what the program does next, choice after choice. See tests/simulation/programs.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/simulation/programs/program.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    simulation::kernel::abort_on_violation();
    std::uint64_t seed = 0;
    const std::size_t used = std::min(size, sizeof seed);
    if (used != 0) std::memcpy(&seed, data, used);
    simulation::kernel here(seed);
    const bool on_several_loops = (seed >> 63) != 0;
    const auto run =
        on_several_loops ? simulation::programs::run_on_several_loops : simulation::programs::run_on_one_loop;
    run(here, simulation::programs::choices({data + used, data + size}));
    here.weather().calm();
    here.require_clean_end();
    return 0;
}
