#include <tuyau/runtime/run.hpp>

#include <cstdio>
#include <exception>

#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr int failed = 1;

} // namespace

int run(task<int> work) {
    try {
        system::raise_descriptor_limit();
        loop here;
        return here.run(std::move(work));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "error: %s\n", error.what());
    } catch (...) {
        std::fprintf(stderr, "error: an exception of an unknown kind ended the program\n");
    }
    return failed;
}

int run(task<> work) {
    // The frame is made here, while `work` is alive, and owns it from then on.
    return run([](task<> inner) -> task<int> {
        co_await std::move(inner);
        co_return 0;
    }(std::move(work)));
}

} // namespace tuyau
