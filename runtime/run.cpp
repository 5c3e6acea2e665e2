#include <tuyau/runtime/run.hpp>

#include <cstdio>
#include <exception>

#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr int failed = 1;

} // namespace

int run(task<int> work, const loop_options& options) {
    try {
        system::raise_descriptor_limit();
        loop here(options);
        return here.run(std::move(work));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
    } catch (...) {
        std::fprintf(stderr, "error: an exception of an unknown kind ended the program\n");
    }
    return failed;
}

int run(task<> work, const loop_options& options) {
    // The frame is made here, while `work` is alive, and owns it from then on.
    auto giving_zero = [](task<> inner) -> task<int> {
        co_await std::move(inner);
        co_return 0;
    };
    return run(giving_zero(std::move(work)), options);
}

} // namespace tuyau
