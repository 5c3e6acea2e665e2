#pragma once

#include <cstdint>
#include <thread>
#include <utility>

#include <tuyau/runtime/system.hpp>

namespace tuyau::detail {

/// Starts a thread on which every signal is blocked, from its beginning: signals go to the threads that ask for them.
template <class Main>
std::thread start_thread(Main main) {
    struct mask {
        std::uint64_t before = system::block_all_signals();
        ~mask() { system::restore_signal_mask(before); }
    };
    const mask all_blocked;
    return std::thread(std::move(main));
}

} // namespace tuyau::detail
