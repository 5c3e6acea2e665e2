#include <tuyau/runtime/folder.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tuyau/runtime/scope.hpp>

#include "helpers.hpp"

using tuyau::file_kind;
using tuyau::folder;
using tuyau::loop;
using tuyau::result;
using tuyau::task;

namespace {

/// A folder `root` with a secret beside it, gone at the end.
class ground {
public:
    ground() {
        std::string name = "/tmp/tuyau-folder-test-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        outside_ = name;
        std::filesystem::create_directories(root() / "sub" / "deep");
        write(outside_ / "secret", "secret");
        write(root() / "plain", "hello");
        write(root() / "sub" / "inner", "inside");
    }
    ~ground() {
        std::error_code ignored;
        std::filesystem::remove_all(outside_, ignored);
    }

    static void write(const std::filesystem::path& path, const std::string& text) {
        std::ofstream(path, std::ios::binary) << text;
    }
    std::filesystem::path root() const { return outside_ / "root"; }
    const std::filesystem::path& outside() const { return outside_; }

private:
    std::filesystem::path outside_;
};

task<result<std::string>> text_of(const folder& root, std::string path) {
    auto opened = co_await root.open_file(std::move(path));
    if (!opened) co_return tuyau::failure(opened.error());
    std::string text;
    std::array<std::byte, 4> space{}; // so that there are several reads
    for (;;) {
        auto size = co_await opened->read_at(text.size(), space);
        if (!size) co_return tuyau::failure(size.error());
        if (*size == 0) co_return text;
        text.append(reinterpret_cast<const char*>(space.data()), static_cast<std::size_t>(*size));
    }
}

task<> open_and_close(const folder& root) { (void)co_await root.open_file("plain"); }

template <class Work>
void in_root(const ground& place, Work work) {
    loop here;
    here.run([](const ground& where, Work& all) -> task<> {
        auto root = co_await folder::open(where.root());
        REQUIRE(root);
        co_await all(*root);
    }(place, work));
}

} // namespace

TEST_CASE("files are opened in a folder by their paths, and read where one likes") {
    const ground place;
    in_root(place, [](const folder& root) -> task<> {
        auto plain = co_await text_of(root, "plain");
        CHECK(plain == "hello");
        auto inner = co_await text_of(root, "sub/../sub/./inner");
        CHECK(inner == "inside");
        auto opened = co_await root.open_file("plain");
        REQUIRE(opened);
        std::array<std::byte, 16> space{};
        auto end = co_await opened->read_at(4, space);
        CHECK(end == 1);
        CHECK(space[0] == std::byte('o'));
        auto beyond = co_await opened->read_at(1000, space);
        CHECK(beyond == 0);
    });
}

TEST_CASE("no path leads out of a folder") {
    const ground place;
    std::filesystem::create_symlink("../secret", place.root() / "out");
    std::filesystem::create_symlink("/etc/passwd", place.root() / "absolute");
    std::filesystem::create_symlink(place.outside(), place.root() / "sub" / "up");
    std::filesystem::create_symlink("/proc/self/root", place.root() / "magic");
    std::filesystem::create_symlink("sub/inner", place.root() / "within");
    in_root(place, [&](const folder& root) -> task<> {
        const std::string absolute = place.root() / "plain";
        for (const std::string& path :
             {std::string("../secret"), std::string("sub/../../secret"), absolute, std::string("/etc/passwd"),
              std::string("out"), std::string("absolute"), std::string("sub/up/secret"),
              std::string("magic/etc/passwd"), std::string("..")}) {
            INFO(path);
            auto opened = co_await root.open_file(path);
            CHECK(opened.error() == std::errc::cross_device_link);
            auto listed = co_await root.list(path, 10);
            CHECK(listed.error() == std::errc::cross_device_link);
        }
        auto within = co_await text_of(root, "within");
        CHECK(within == "inside");
    });
}

TEST_CASE("what cannot be opened is an error that says why") {
    const ground place;
    std::filesystem::create_symlink("round", place.root() / "round");
    in_root(place, [&](const folder& root) -> task<> {
        auto missing = co_await root.open_file("missing");
        CHECK(missing.error() == std::errc::no_such_file_or_directory);
        auto through = co_await root.open_file("plain/more");
        CHECK(through.error() == std::errc::not_a_directory);
        auto round = co_await root.open_file("round");
        CHECK(round.error() == std::errc::too_many_symbolic_link_levels);
        auto empty = co_await root.open_file("");
        CHECK(empty.error() == std::errc::no_such_file_or_directory);
        auto no_folder = co_await folder::open(place.root() / "plain");
        CHECK(no_folder.error() == std::errc::not_a_directory);
        auto nowhere = co_await folder::open(place.root() / "missing");
        CHECK(nowhere.error() == std::errc::no_such_file_or_directory);
    });
}

TEST_CASE("a file's status says what it is, how large, when it was changed, and which") {
    const ground place;
    const timespec times[] = {{1'000'000'000, 0}, {1'700'000'000, 123'456'789}};
    REQUIRE(::utimensat(AT_FDCWD, (place.root() / "plain").c_str(), times, 0) == 0);
    REQUIRE(::mkfifo((place.root() / "fifo").c_str(), 0600) == 0);
    in_root(place, [&](const folder& root) -> task<> {
        auto plain = co_await root.open_file("plain");
        REQUIRE(plain);
        const auto status = plain->status().value();
        CHECK(status.kind == file_kind::regular);
        CHECK(status.size == 5);
        CHECK(status.modified.time_since_epoch() == std::chrono::nanoseconds(1'700'000'000'123'456'789));
        auto again = co_await root.open_file("sub/../plain");
        REQUIRE(again);
        const auto same = again->status().value();
        CHECK(same == status);
        auto other = co_await root.open_file("sub");
        REQUIRE(other);
        const auto of_other = other->status().value();
        CHECK(of_other.kind == file_kind::folder);
        CHECK(of_other.number != status.number);
        auto fifo = co_await root.open_file("fifo"); // nobody writes, and nobody waits
        REQUIRE(fifo);
        const auto of_fifo = fifo->status().value();
        CHECK(of_fifo.kind == file_kind::other);
    });
}

TEST_CASE("a folder's entries are listed with their kinds, so many at most") {
    const ground place;
    std::filesystem::create_symlink("plain", place.root() / "link");
    in_root(place, [&](const folder& root) -> task<> {
        auto listed = co_await root.list(".", 100);
        REQUIRE(listed);
        std::sort(listed->begin(), listed->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
        const std::vector<tuyau::folder_entry> expected{
            {"link", file_kind::other}, {"plain", file_kind::regular}, {"sub", file_kind::folder}};
        CHECK(*listed == expected);
        auto few = co_await root.list(".", 2);
        REQUIRE(few);
        CHECK(few->size() == 2);
        auto deep = co_await root.list("sub/deep", 100);
        REQUIRE(deep);
        CHECK(deep->empty());
        auto none = co_await root.list("plain", 100);
        CHECK(none.error() == std::errc::not_a_directory);
    });
}

TEST_CASE("a task that is destroyed or stopped while it opens a file leaves no descriptor behind") {
    const ground place;
    std::size_t before = 0;
    std::size_t after = 0;
    in_root(place, [&](const folder& root) -> task<> {
        before = tests::open_descriptors();
        for (int round = 0; round < 100; ++round) {
            auto dropped = tests::loose::start(open_and_close(root));
            for (int turn = 0; turn < round % 5; ++turn) co_await tuyau::yield();
            dropped.destroy();
            tuyau::scope stopped;
            stopped.spawn(open_and_close(root));
            for (int turn = 0; turn < round % 5; ++turn) co_await tuyau::yield();
            stopped.stop();
            co_await stopped.join();
        }
        after = tests::open_descriptors();
    });
    CHECK(after == before);
}

TEST_CASE("files are closed with their owners, and only once") {
    const ground place;
    in_root(place, [&](const folder& root) -> task<> {
        const std::size_t before = tests::open_descriptors();
        {
            auto first = co_await root.open_file("plain");
            auto second = co_await root.open_file("sub/inner");
            REQUIRE(first);
            REQUIRE(second);
            CHECK(tests::open_descriptors() == before + 2);
            *first = std::move(*second);
            CHECK(tests::open_descriptors() == before + 1);
            tuyau::file third(std::move(*first));
            CHECK_FALSE(first->is_open());
            CHECK(tests::open_descriptors() == before + 1);
        }
        CHECK(tests::open_descriptors() == before);
    });
}
