#include <tuyau/runtime/frame_pool.hpp>

#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

namespace frame_pool = tuyau::frame_pool;

TEST_CASE("a block that was given back serves the next request of its size") {
    void* first = frame_pool::allocate(200);
    frame_pool::deallocate(first, 200);
    void* second = frame_pool::allocate(199);
    CHECK(second == first);
    frame_pool::deallocate(second, 199);
}

TEST_CASE("blocks in use are apart, each as large as was asked for") {
    std::vector<std::pair<unsigned char*, std::size_t>> blocks;
    for (std::size_t size :
         {0u, 1u, 63u, 64u, 65u, 128u, 129u, 1000u, 4032u, 4033u, 4095u, 4096u, 4097u, 5000u, 100000u}) {
        for (int copy = 0; copy < 3; ++copy) {
            auto* block = static_cast<unsigned char*>(frame_pool::allocate(size));
            std::memset(block, static_cast<int>(blocks.size()), size);
            blocks.emplace_back(block, size);
        }
    }
    for (std::size_t index = 0; index < blocks.size(); ++index) {
        const auto [block, size] = blocks[index];
        for (std::size_t at = 0; at < size; ++at) REQUIRE(block[at] == static_cast<unsigned char>(index));
    }
    for (const auto& [block, size] : blocks) frame_pool::deallocate(block, size);
}

TEST_CASE("blocks of one size are reused, not those of a smaller one") {
    std::vector<void*> small;
    for (int count = 0; count < 100; ++count) small.push_back(frame_pool::allocate(72));
    for (void* block : small) frame_pool::deallocate(block, 72);
    const std::set<void*> known(small.begin(), small.end());
    void* larger = frame_pool::allocate(73);
    CHECK_FALSE(known.contains(larger));
    frame_pool::deallocate(larger, 73);
    std::vector<void*> again;
    for (int count = 0; count < 100; ++count) again.push_back(frame_pool::allocate(57));
    for (void* block : again) CHECK(known.contains(block));
    for (void* block : again) frame_pool::deallocate(block, 57);
}

TEST_CASE("a block is aligned as operator new aligns") {
    for (std::size_t size : {1u, 100u, 4096u, 10000u}) {
        void* block = frame_pool::allocate(size);
        CHECK(reinterpret_cast<std::uintptr_t>(block) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0);
        frame_pool::deallocate(block, size);
    }
}

TEST_CASE("a block that is given back on another thread serves that thread") {
    void* block = frame_pool::allocate(300);
    bool reused = false;
    std::thread other([&] {
        frame_pool::deallocate(block, 300);
        void* next = frame_pool::allocate(300);
        reused = next == block;
        frame_pool::deallocate(next, 300);
    });
    other.join();
    CHECK(reused);
}

namespace {

struct late {
    void* block = nullptr;
    ~late() {
        if (block != nullptr) frame_pool::deallocate(block, 300);
        frame_pool::deallocate(frame_pool::allocate(300), 300);
    }
};

} // namespace

TEST_CASE("a thread's last objects may still use the pool, and nothing is left behind") {
    // Made before the pool's own end is arranged, so destroyed after it: the leak checker sees what is then kept.
    std::thread([] {
        static thread_local late last;
        last.block = nullptr;
        last.block = frame_pool::allocate(300);
    }).join();
    SUCCEED();
}

TEST_CASE("an object of a class that lives in the pool takes its memory from there") {
    struct connection : frame_pool::pooled {
        char bytes[500];
    };
    auto* first = new connection;
    delete first;
    auto* second = new connection;
    CHECK(second == first);
    delete second;
}
