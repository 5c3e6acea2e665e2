#include <tuyau/net/http/file_cache.hpp>

#include <chrono>
#include <string>

#include <fcntl.h>

#include <catch2/catch_test_macros.hpp>

using tuyau::http::file_cache;
using tuyau::http::file_resource;

namespace {

std::shared_ptr<const file_resource> resource_of(std::size_t size) {
    auto made = std::make_shared<file_resource>();
    made->media_type.assign(size, 'x');
    return made;
}

std::shared_ptr<const file_resource> opened_resource() {
    auto made = std::make_shared<file_resource>();
    made->representations.emplace_back();
    made->representations.back().opened = tuyau::file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return made;
}

constexpr tuyau::loop::clock::time_point some_time{};

} // namespace

TEST_CASE("a cache finds what was put into it, under its own address") {
    file_cache cache(100'000);
    CHECK(cache.find("/a") == nullptr);
    const auto one = resource_of(1000);
    cache.put("/a", one, some_time);
    REQUIRE(cache.find("/a") != nullptr);
    CHECK(cache.find("/a")->resource == one);
    CHECK(cache.find("/b") == nullptr);
    const auto other = resource_of(2000);
    cache.put("/a", other, some_time);
    CHECK(cache.find("/a")->resource == other);
    CHECK(cache.count() == 1);
    cache.drop("/a");
    CHECK(cache.find("/a") == nullptr);
    CHECK(cache.size() == 0);
    cache.drop("/a");
}

TEST_CASE("a cache keeps to its bound, and forgets what was not asked for the longest") {
    file_cache cache(10'000);
    for (const char* name : {"/a", "/b", "/c"}) cache.put(name, resource_of(2500), some_time);
    CHECK(cache.count() == 3);
    CHECK(cache.find("/a") != nullptr);
    cache.put("/d", resource_of(2500), some_time);
    CHECK(cache.size() <= 10'000);
    CHECK(cache.find("/a") != nullptr);
    CHECK(cache.find("/b") == nullptr);
    CHECK(cache.find("/d") != nullptr);
}

TEST_CASE("what is larger than all that may be kept is not kept, and drives nothing out") {
    file_cache cache(10'000);
    cache.put("/a", resource_of(100), some_time);
    cache.put("/b", resource_of(20'000), some_time);
    CHECK(cache.find("/a") != nullptr);
    CHECK(cache.find("/b") == nullptr);
    cache.put("/a", resource_of(20'000), some_time);
    CHECK(cache.find("/a") == nullptr); // what was there is not true any more
}

TEST_CASE("a cache keeps so many files open, and closes those that were not asked for the longest, or for long") {
    using namespace std::chrono_literals;
    file_cache cache(100'000, 3);
    cache.put("/small", resource_of(100), some_time);
    for (const char* name : {"/a", "/b", "/c"}) cache.put(name, opened_resource(), some_time);
    CHECK(cache.find("/a") != nullptr);
    cache.put("/d", opened_resource(), some_time + 10s);
    CHECK(cache.open() == 3);
    CHECK(cache.find("/b") == nullptr);
    CHECK(cache.find("/small") != nullptr);
    cache.find("/d");
    cache.close_unused(some_time + 5s);
    CHECK(cache.open() == 1);
    CHECK(cache.find("/d") != nullptr);
    CHECK(cache.find("/small") != nullptr);
}
