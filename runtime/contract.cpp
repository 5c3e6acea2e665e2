#include <tuyau/runtime/contract.hpp>

#include <cstdio>
#include <cstdlib>

namespace tuyau {

void broken_contract(const char* sentence) noexcept {
    std::fprintf(stderr, "tuyau: broken contract: %s\n", sentence);
    std::abort();
}

} // namespace tuyau
