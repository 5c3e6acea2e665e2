// Files that go over a connection: by reference where they are in memory, and read first where they are not.

#include <tuyau/net/tcp_stream.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "runtime/helpers.hpp"
#include "support/temporary_folder.hpp"
#include "tcp_stream_helpers.hpp"

#include <tuyau/runtime/folder.hpp>
#include <tuyau/runtime/scope.hpp>

using tests::descriptor_pair;
using tests::numbered;
using tuyau::file;
using tuyau::loop;
using tuyau::loop_options;
using tuyau::result;
using tuyau::scope;
using tuyau::task;
using tuyau::tcp_stream;

namespace {

task<file> open(const tests::temporary_folder& where, std::string name) {
    auto folder = (co_await tuyau::folder::open(where.path().string())).value();
    auto opened = co_await folder.open_file(std::move(name));
    co_return std::move(opened.value());
}

/// All of it; the error that ended it, and how many calls it took.
task<result<int>> send_all(tcp_stream& to, const file& from, std::uint64_t position, std::uint64_t size) {
    int calls = 0;
    while (size != 0) {
        auto sent = co_await to.send_some(from, position, size);
        if (!sent) co_return tuyau::failure(sent.error());
        position += *sent;
        size -= *sent;
        ++calls;
    }
    co_return calls;
}

task<> receive_all(tcp_stream& from, std::size_t size, std::string& text) {
    while (text.size() < size) {
        auto came = co_await from.receive();
        if (!came || came->empty()) co_return;
        text += came->text();
    }
}

} // namespace

TEST_CASE("a file goes over a connection as it is, in every way, whether it lies on a disk or in memory") {
    loop_options options;
    options.ring.without = GENERATE(from_range(tests::every_way()));
    const bool on_disk = GENERATE(true, false);
    loop here(options);
    const std::string text = numbered(9'000'000); // more than the socket takes at once
    tests::temporary_folder where;
    where.write("file", text);
    descriptor_pair ends = descriptor_pair::tcp();
    tcp_stream sender(ends.take_first());
    tcp_stream receiver(ends.take_second());
    std::string got;
    here.run([](auto& there, bool from_disk, auto& content, auto& to, auto& from, std::string& came) -> task<> {
        file opened;
        if (from_disk)
            opened = co_await open(there, "file");
        else
            opened = file::in_memory(content).value();
        CHECK(opened.is_in_memory() == !from_disk);
        scope receiving;
        receiving.spawn(receive_all(from, content.size() - 5, came));
        iovec head{const_cast<char*>("head:"), 5};
        auto begun = co_await to.send_before_more({&head, 1});
        REQUIRE(begun);
        auto sent = co_await send_all(to, opened, 10, content.size() - 10);
        CHECK(sent);
        co_await receiving.join();
    }(where, on_disk, text, sender, receiver, got));
    CHECK(got == "head:" + text.substr(10));
}

TEST_CASE("what a stream receives meanwhile comes as ever while it sends a file") {
    loop here;
    descriptor_pair ends = descriptor_pair::tcp();
    tcp_stream one(ends.take_first());
    tcp_stream other(ends.take_second());
    const std::string text = numbered(20'000'000);
    here.run([](auto& there, auto& peer, auto& content) -> task<> {
        const file shared = file::in_memory(content).value();
        std::string here_came;
        std::string there_came;
        scope all;
        all.spawn(receive_all(there, content.size(), here_came)); // armed before, and all the while
        all.spawn(receive_all(peer, content.size(), there_came));
        all.spawn([](auto& to, auto& from, auto size) -> task<> {
            auto sent = co_await send_all(to, from, 0, size);
            CHECK(sent);
        }(peer, shared, content.size()));
        auto sent = co_await send_all(there, shared, 0, content.size());
        CHECK(sent);
        co_await all.join();
        CHECK(here_came == content);
        CHECK(there_came == content);
    }(one, other, text));
}

TEST_CASE(
    "a file that ends before what was to be sent is an error, and so is a peer that is gone, which raises no signal") {
    loop here;
    descriptor_pair ends = descriptor_pair::tcp();
    tcp_stream sender(ends.take_first());
    std::optional<tcp_stream> receiver(ends.take_second());
    here.run([](auto& to, auto& from) -> task<> {
        const file small = file::in_memory("0123456789").value();
        auto beyond = co_await to.send_some(small, 10, 1);
        CHECK(beyond.error() == std::errc::io_error);
        auto whole = co_await to.send_some(small, 4, 100);
        CHECK(whole.value() == 6);
        from.reset();
        const file large = file::in_memory(std::string(30'000'000, 'a')).value();
        auto sent = co_await send_all(to, large, 0, 30'000'000);
        CHECK_FALSE(sent);
        auto again = co_await to.send_some(large, 0, 1);
        CHECK_FALSE(again);
        to.close();
        auto closed = co_await to.send_some(large, 0, 1);
        CHECK(closed.error() == std::errc::bad_file_descriptor);
    }(sender, receiver));
}

TEST_CASE("who sends a file to one that does not read may be stopped") {
    loop here;
    descriptor_pair ends = descriptor_pair::tcp();
    tcp_stream sender(ends.take_first());
    here.run([](auto& to) -> task<> {
        const file large = file::in_memory(std::string(30'000'000, 'a')).value();
        scope sending;
        bool ended = false;
        sending.spawn([](auto& stream, auto& from, bool& over) -> task<> {
            auto sent = co_await send_all(stream, from, 0, 30'000'000);
            CHECK(sent.error() == std::errc::operation_canceled);
            over = true;
        }(to, large, ended));
        for (int round = 0; round < 200; ++round) co_await tuyau::yield();
        CHECK_FALSE(ended);
        sending.stop();
        co_await sending.join();
        CHECK(ended);
    }(sender));
}

TEST_CASE("a file in memory cannot be changed, and holds what it was given") {
    loop here;
    here.run([]() -> task<> {
        const file kept = file::in_memory("something").value();
        auto written = co_await tuyau::write_some(kept.fd(), std::as_bytes(std::span(std::string_view("other"))));
        CHECK_FALSE(written);
        std::array<std::byte, 20> space{};
        auto came = co_await kept.read_at(4, space);
        CHECK(came.value() == 5);
        CHECK(kept.status().value().size == 9);
    }());
}
