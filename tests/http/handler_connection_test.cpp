// What a handler can do with a connection of the kernel's.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/event.hpp>
#include <tuyau/runtime/timer.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<> write_for_ever(http::response& reply) {
    const std::string piece(100'000, 'x');
    for (;;) {
        auto written = co_await reply.write(piece);
        if (!written) co_return;
    }
}

/// On the first request it gives up writing in the middle of it, and stays longer than a client may take for a response.
class quitter {
public:
    explicit quitter(std::chrono::milliseconds stay) noexcept : stay_(stay) {}

    task<> operator()(http::request&, http::response& reply) {
        if (count_++ != 0) co_return reply.send("text/plain", "hello");
        {
            scope writers;
            writers.spawn(write_for_ever(reply));
        }
        co_await sleep_for(stay_);
        has_quit_.set();
    }

    event& has_quit() noexcept { return has_quit_; }

private:
    std::chrono::milliseconds stay_;
    int count_ = 0;
    event has_quit_;
};

/// One that writes much while another coroutine reads the request's body, and has read all of it before the client takes
/// what was written.
class duplex {
public:
    task<> operator()(http::request& asked, http::response& reply) {
        if (asked.target != "/both") co_return reply.send("text/plain", "hello");
        scope both;
        both.spawn(read_body(asked));
        both.spawn(write_much(reply));
        co_await both.join();
    }

    const std::string& body() const noexcept { return body_; }
    event& has_read() noexcept { return has_read_; }

    static constexpr std::size_t size = 8'000'000; // more than any socket takes

private:
    task<> read_body(http::request& asked) {
        auto all = co_await asked.read_all(1000);
        if (all) body_ = *all;
        has_read_.set();
    }

    task<> write_much(http::response& reply) {
        const std::string all(size, 'x');
        reply.set_content_length(size);
        auto written = co_await reply.write(all);
        CHECK(written);
    }

    std::string body_;
    event has_read_;
};

/// Says the whole response while another coroutine has just asked for the body.
task<> answer_while_asking(http::request& asked, http::response& reply) {
    scope reading;
    std::string body;
    reading.spawn([](http::request& from, std::string& to) -> task<> {
        auto all = co_await from.read_all(1000);
        if (all) to = *all;
    }(asked, body));
    reply.send("text/plain", "at once");
    co_await reading.join();
    CHECK(body == "hello");
}

/// Waits for a body for so long only, and answers then.
class impatient {
public:
    task<> operator()(http::request& asked, http::response& reply) {
        auto came = co_await with_deadline(1ms, asked.read());
        CHECK((!came && came.error() == std::errc::timed_out));
        reply.send("text/plain", "nothing came");
        has_answered_.set();
    }

    event& has_answered() noexcept { return has_answered_; }

private:
    event has_answered_;
};

/// Answers, but for one that waits to be let.
class long_poll {
public:
    task<> operator()(http::request& asked, http::response& reply) {
        if (asked.path() == "/wait") co_await let_.wait();
        reply.send("text/plain", asked.path() == "/wait" ? "waited" : "hello");
    }

    void let() { let_.set(); }

private:
    event let_;
};

/// Answers with much, and counts.
class generous {
public:
    task<> operator()(http::request&, http::response& reply) {
        ++asked_;
        reply.send("text/plain", much_);
        co_return;
    }

    std::size_t asked() const noexcept { return asked_; }

private:
    std::string much_ = std::string(1'000'000, 'x');
    std::size_t asked_ = 0;
};

class client {
public:
    explicit client(tcp_stream stream) : stream_(std::move(stream)) {}

    task<> say(std::string text) {
        auto said = co_await stream_.send(text);
        REQUIRE(said);
    }

    /// Until `end` has come, or the connection's end; at least so many bytes.
    task<std::string> hear(std::string_view end, std::size_t least = 0) {
        std::string all;
        while (all.size() < least || !all.ends_with(end)) {
            auto received = co_await stream_.receive();
            if (!received || received->empty()) break;
            all += received->text();
        }
        co_return all;
    }

private:
    tcp_stream stream_;
};

/// Serves `program` to what `talk` does with a connection.
void serve_to(http::handler program, const http::server_limits& limits, const std::function<task<>(client&)>& talk) {
    loop here;
    here.run([](http::handler answer, http::server_limits bounds, std::function<task<>(client&)> say) -> task<> {
        http::server server(std::move(answer), bounds);
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        scope accepting;
        accepting.spawn(server.serve(listener));
        {
            auto connected = co_await connect(listener.local_endpoint().value());
            client talking(std::move(connected).value());
            co_await say(talking);
        }
        accepting.stop();
        co_await accepting.join();
        co_await server.drain();
    }(std::move(program), limits, talk));
}

} // namespace

TEST_CASE("a handler may destroy what writes its response: the connection is broken off, and the next one served") {
    loop here;
    here.run([]() -> task<> {
        http::server_limits limits;
        limits.send_time = 20ms;
        quitter program(3 * limits.send_time);
        http::server server(std::ref(program), limits);
        auto listener = tcp_listener::bind(endpoint("127.0.0.1", 0)).value();
        scope accepting;
        accepting.spawn(server.serve(listener));
        {
            auto client = co_await connect(listener.local_endpoint().value());
            REQUIRE(client);
            auto asked = co_await client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            REQUIRE(asked);
            co_await program.has_quit().wait();
            std::string came;
            for (;;) {
                auto received = co_await client->receive();
                if (!received || received->empty()) break;
                came += received->text();
            }
            CHECK(came.starts_with("HTTP/1.1 200 OK\r\n"));
            CHECK_FALSE(came.ends_with("0\r\n\r\n")); // which would say that it is whole
        }
        CHECK(server.counts().incomplete_responses == 1);
        auto next = co_await connect(listener.local_endpoint().value());
        REQUIRE(next);
        auto asked = co_await next->send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        REQUIRE(asked);
        auto answer = co_await next->receive();
        REQUIRE(answer);
        CHECK(answer->text().ends_with("hello"));
        accepting.stop();
        co_await accepting.join();
        co_await server.drain();
    }());
}

TEST_CASE("a handler may read the body while it writes the response, and whichever ends first, the connection goes on") {
    duplex program;
    serve_to(std::ref(program), {}, [&program](client& talking) -> task<> {
        co_await talking.say("POST /both HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        std::string came = co_await talking.hear("x", 10'000);
        co_await talking.say("hello");
        co_await program.has_read().wait();
        CHECK(program.body() == "hello");
        const std::size_t head = came.find("\r\n\r\n") + 4;
        came += co_await talking.hear("x", duplex::size - (came.size() - head));
        CHECK(came.size() - head == duplex::size);
        co_await talking.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        const std::string next = co_await talking.hear("hello");
        CHECK(next.starts_with("HTTP/1.1 200 OK\r\n"));
    });
}

TEST_CASE("a response that is said while a body is asked for goes behind what asks for it") {
    serve_to(answer_while_asking, {}, [](client& talking) -> task<> {
        co_await talking.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        const std::string invitation = co_await talking.hear("\r\n\r\n");
        CHECK(invitation == "HTTP/1.1 100 Continue\r\n\r\n");
        co_await talking.say("hello");
        const std::string came = co_await talking.hear("at once");
        CHECK(came.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(came.ends_with("\r\n\r\nat once"));
    });
}

TEST_CASE("a read that a handler has stopped loses nothing: the client has its answer once the body has come after all") {
    impatient program;
    serve_to(std::ref(program), {}, [&program](client& talking) -> task<> {
        co_await talking.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        co_await program.has_answered().wait();
        co_await talking.say("hello");
        const std::string came = co_await talking.hear("nothing came");
        CHECK(came.starts_with("HTTP/1.1 200 OK\r\n"));
        CHECK(came.ends_with("\r\n\r\nnothing came"));
        CHECK(came.find("Connection: close") == std::string::npos);
    });
}

TEST_CASE("an answer is not kept back by a request behind it whose body is long in coming, or whose handler waits") {
    long_poll program;
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    serve_to(std::ref(program), {}, [&](client& talking) -> task<> {
        co_await talking.say(get + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
        const std::string before_body = co_await talking.hear("hello");
        CHECK(before_body.starts_with("HTTP/1.1 200 OK\r\n"));
        co_await talking.say("llo");
        const std::string after_body = co_await talking.hear("hello");
        CAPTURE(before_body, after_body);
        CHECK(after_body.starts_with("HTTP/1.1 200 OK\r\n"));
        co_await talking.say(get + "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n" + get);
        const std::string before_wait = co_await talking.hear("hello");
        CHECK(before_wait.ends_with("\r\n\r\nhello"));
        program.let();
        const std::string after_wait = co_await talking.hear("hello");
        CHECK(after_wait.find("\r\n\r\nwaitedHTTP/1.1 200 OK\r\n") != std::string::npos);
    });
}

TEST_CASE("a client that asks for much and takes nothing is not answered for long, with bodies that end late or without") {
    constexpr std::size_t requests = 100;
    generous program;
    std::string get;
    for (std::size_t i = 0; i < requests; ++i) get += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string begun = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na";
    SECTION("without bodies") {
        serve_to(std::ref(program), {}, [&](client& talking) -> task<> {
            co_await talking.say(get);
            co_await talking.hear("", 1);
        });
    }
    SECTION("with bodies") {
        serve_to(std::ref(program), {}, [&](client& talking) -> task<> {
            co_await talking.say(begun);
            for (std::size_t i = 1; i < requests; ++i) co_await talking.say("b" + begun);
            co_await talking.say("b");
            co_await talking.hear("", 1);
        });
    }
    CHECK(program.asked() > 0);
    CHECK(program.asked() < requests / 2); // what sockets take is less
}

TEST_CASE("bytes of a body earn no more time than a client has for it at first") {
    http::server_limits limits;
    limits.body_time = 50ms;
    limits.body_rate = 1;
    serve_to([](http::request&, http::response& reply) -> task<> {
        reply.send("text/plain", "hello");
        co_return;
    }, limits, [](client& talking) -> task<> {
        co_await talking.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + std::string(1000, 'x'));
        const std::string came = co_await talking.hear("</html>\n");
        CHECK(came.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    });
}

TEST_CASE("what answers were made in is kept for the next, within a bound") {
    loop here;
    http::detail::server_state state({}, {});
    const std::string much(1'500'000, 'x');
    std::vector<std::unique_ptr<http::detail::desk>> used;
    for (int i = 0; i < 3; ++i) {
        used.push_back(state.take_desk());
        used.back()->batch.add({}, false, 200, "text/plain", {}, much, state.date);
        used.back()->batch.clear();
    }
    for (auto& each : used) state.give_back(std::move(each));
    CHECK(state.take_desk()->memory() > much.size());
    CHECK(state.take_desk()->memory() < 10'000);
}
