// Programs of runtime operations over a simulated kernel: the first eight bytes are the kernel's seed, the others say what
// the program does next, choice after choice. See tests/simulation/programs.

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
    simulation::programs::run_on_one_loop(here, simulation::programs::choices({data + used, data + size}));
    here.weather().calm();
    here.require_clean_end();
    return 0;
}
