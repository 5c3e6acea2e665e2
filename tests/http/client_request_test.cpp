// What a client sends.

#include <tuyau/net/http/client/client.hpp>

#include <functional>
#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "client_support.hpp"

#include <tuyau/runtime/scope.hpp>
#include <tuyau/runtime/sync/event.hpp>

using namespace tuyau;
using namespace tuyau::http;
using namespace tests;
using namespace std::chrono_literals;
using kind = client_error::kind;
using stage = client_error::stage;

namespace {

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

client_options quiet_options() {
    client_options options;
    options.user_agent.clear();
    options.decompress = false;
    options.proxies = {};
    return options;
}

/// What a server gets of one request.
std::string sent_by(client_request asked, client_options options = quiet_options()) {
    std::string got;
    scripted_server server([&](conversation& client) {
        got = client.receive_request();
        client.send(ok);
    });
    asked.where.port = server.port();
    const outcome answered = fetch_once(std::move(asked), std::move(options));
    if (answered.error) return answered.error->message();
    const std::string host = "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n";
    if (const auto at = got.find(host); at != std::string::npos) got.replace(at, host.size(), "Host: H\r\n");
    return got;
}

client_request request_to(const std::string& path, std::string method = "GET", request_body body = {}) {
    return request_of("http://127.0.0.1" + path, std::move(method), std::move(body));
}

/// A body in pieces; one that can begin anew where that is wanted.
class pieces : public body_source {
public:
    explicit pieces(std::vector<std::string> all, bool sized = false, bool rewinds = false)
        : all_(std::move(all)), sized_(sized), rewinds_(rewinds) {}
    std::optional<std::uint64_t> size() const noexcept override {
        if (!sized_) return std::nullopt;
        std::uint64_t sum = 0;
        for (const auto& each : all_) sum += each.size();
        return sum;
    }
    task<result<std::string_view>> read() override {
        if (next_ == all_.size()) co_return std::string_view();
        co_return std::string_view(all_[next_++]);
    }
    task<result<bool>> rewind() override {
        next_ = 0;
        co_return rewinds_;
    }

private:
    std::vector<std::string> all_;
    bool sized_;
    bool rewinds_;
    std::size_t next_ = 0;
};

} // namespace

TEST_CASE("a request is the line, the host and the fields that were asked for") {
    CHECK(sent_by(request_to("/a?b=c")) == "GET /a?b=c HTTP/1.1\r\nHost: H\r\nAccept: */*\r\n\r\n");
    client_request asked = request_to("/", "OPTIONS");
    asked.fields = {{"X-A", "1"}, {"Accept", "text/html"}, {"x-a", ""}};
    CHECK(sent_by(asked) == "OPTIONS / HTTP/1.1\r\nHost: H\r\nX-A: 1\r\nAccept: text/html\r\nx-a:\r\n\r\n");
    asked = request_to("/");
    asked.fields = {{"host", "example.org"}};
    asked.without = {"ACCEPT"};
    CHECK(sent_by(asked) == "GET / HTTP/1.1\r\nhost: example.org\r\n\r\n");
    CHECK(sent_by(request_of("http://me:secret@127.0.0.1/")) ==
          "GET / HTTP/1.1\r\nHost: H\r\nAuthorization: Basic bWU6c2VjcmV0\r\nAccept: */*\r\n\r\n");
}

TEST_CASE("a body of bytes goes with its size, a source of unknown size in chunks") {
    CHECK(sent_by(request_to("/", "POST", "hello")) ==
          "POST / HTTP/1.1\r\nHost: H\r\nAccept: */*\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(sent_by(request_to("/", "POST")) == "POST / HTTP/1.1\r\nHost: H\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n");
    const auto source = std::make_shared<pieces>(std::vector<std::string>{"hello", " you"});
    CHECK(sent_by(request_to("/", "PUT", source)) ==
          "PUT / HTTP/1.1\r\nHost: H\r\nAccept: */*\r\nTransfer-Encoding: chunked\r\n\r\n"
          "5\r\nhello\r\n4\r\n you\r\n0\r\n\r\n");
    const auto sized = std::make_shared<pieces>(std::vector<std::string>{"hello", " you"}, true);
    CHECK(sent_by(request_to("/", "PUT", sized)) ==
          "PUT / HTTP/1.1\r\nHost: H\r\nAccept: */*\r\nContent-Length: 9\r\n\r\nhello you");
    const std::string big = pattern(0, 5'000'000);
    const std::string got = sent_by(request_to("/", "PUT", request_body::borrowed(big)));
    CHECK(got.ends_with("\r\nContent-Length: 5000000\r\n\r\n" + big));
}

TEST_CASE("what cannot be sent as it stands is refused before anything is sent") {
    const auto refusal = [](client_request asked) {
        const outcome got = fetch_once(std::move(asked), quiet_options());
        if (!got.error) return std::string("accepted");
        CHECK(got.error->what == kind::bad_request);
        return got.error->message();
    };
    const auto with = [](const char* name, const char* value) {
        client_request asked = request_to("/", "POST", "hello");
        asked.fields = {{name, value}};
        return asked;
    };
    CHECK(refusal(request_to("/", "G T")) == "'G T' is no method (RFC 9110, section 9.1)");
    CHECK(refusal(request_to("/", "CONNECT")).starts_with("CONNECT asks a proxy"));
    CHECK(refusal(with("X A", "1")).starts_with("'X A' is no name"));
    CHECK(refusal(with("X", "1\r\nY: 2")).starts_with("the value of the field X contains a control character"));
    CHECK(refusal(with("Content-Length", "6")) == "a Content-Length other than the body's, which is 5");
    CHECK(refusal(with("Transfer-Encoding", "chunked")).starts_with("Transfer-Encoding is the client's to say"));
    client_request injects = request_to("/");
    injects.where.target = "/ HTTP/1.1\r\nX: y\r\n";
    CHECK(refusal(injects) == "a space does not belong in a path or query (write it as %20)");
    injects = request_to("/");
    injects.where.host = "127.0.0.1\r\nX: y";
    CHECK(refusal(injects) == "the control character 0x0d does not belong in a host");
    client_request twice = request_to("/");
    twice.fields = {{"Host", "a"}, {"host", "b"}};
    CHECK(refusal(twice) == "a request has one Host field");
}

TEST_CASE("with an expectation the body waits until the server wants it") {
    std::promise<void> looked;
    std::string head;
    std::string body;
    scripted_server server([&](conversation& client) {
        head = client.receive_head();
        client.send("HTTP/1.1 100 Continue\r\n\r\n");
        body = client.receive_exactly(5);
        client.send(ok);
    });
    client_request asked = request_of(server.url(), "POST", "hello");
    asked.expect_continue = true;
    client_options options = quiet_options();
    options.continue_time = 0ms; // for ever
    const outcome got = fetch_once(asked, options);
    CHECK_FALSE(got.error);
    CHECK(head.ends_with("Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    CHECK(body == "hello");
}

TEST_CASE("a server that refuses an expected body does not get it, and the connection ends") {
    std::string rest = "?";
    scripted_server server([&](conversation& client) {
        client.receive_head();
        client.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
        rest = client.receive_all();
    });
    client_request asked = request_of(server.url(), "POST", "hello");
    asked.expect_continue = true;
    client_options options = quiet_options();
    options.continue_time = 0ms;
    const outcome got = fetch_once(asked, options);
    CHECK((got.status == 413 && got.body == "no" && !got.error));
}

TEST_CASE(
    "a server that knows nothing of expectations gets the body after a while, and one that refuses them without") {
    scripted_server silent([&](conversation& client) {
        client.receive_request();
        client.send(ok);
    });
    client_request asked = request_of(silent.url(), "POST", "hello");
    asked.expect_continue = true;
    client_options options = quiet_options();
    options.continue_time = 1ms;
    CHECK(fetch_once(asked, options).status == 200);

    std::vector<std::string> got;
    const auto refuse_first = [&](conversation& client) {
        got.push_back(client.receive_head());
        client.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    };
    const auto take_second = [&](conversation& client) {
        got.push_back(client.receive_request());
        client.send(ok);
    };
    scripted_server refuses({refuse_first, take_second});
    asked.where.port = refuses.port();
    options.continue_time = 0ms;
    CHECK(fetch_once(asked, options).status == 200);
    REQUIRE(got.size() == 2);
    CHECK(got[0].find("Expect: 100-continue") != std::string::npos);
    CHECK(got[1].find("Expect") == std::string::npos);
    CHECK(got[1].ends_with("hello"));
}

TEST_CASE("a response that comes before the request is sent is received, and what is left is not sent") {
    scripted_server server([](conversation& client) {
        client.receive_head();
        client.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
        client.wait_for_end();
    });
    const std::string big(50'000'000, 'x');
    const outcome got = fetch_once(request_of(server.url(), "POST", request_body::borrowed(big)), quiet_options());
    CHECK((got.status == 413 && got.body == "no" && !got.error));
}

TEST_CASE("a source that fails, or gives another size than it said, ends the request with an error") {
    class failing : public body_source {
    public:
        task<result<std::string_view>> read() override { co_return failure(EIO); }
    };
    class lying : public pieces {
    public:
        lying(std::vector<std::string> all, std::uint64_t said) : pieces(std::move(all)), said_(said) {}
        std::optional<std::uint64_t> size() const noexcept override { return said_; }

    private:
        std::uint64_t said_;
    };
    class throwing : public body_source {
    public:
        task<result<std::string_view>> read() override {
            throw std::runtime_error("the tape is torn");
            co_return std::string_view();
        }
    };
    scripted_server server([](conversation& client) { client.wait_for_end(); });
    const auto error_with = [&](std::shared_ptr<body_source> source) {
        const outcome got = fetch_once(request_of(server.url(), "PUT", std::move(source)), quiet_options());
        REQUIRE(got.error);
        CHECK(got.error->what == kind::body_not_read);
        return got.error->message();
    };
    CHECK(error_with(std::make_shared<failing>()) == "the request's body cannot be read: Input/output error");
    CHECK(error_with(std::make_shared<lying>(std::vector<std::string>{"abc"}, 4)) ==
          "the request's body has only 3 bytes, not the 4 that were announced");
    CHECK(error_with(std::make_shared<lying>(std::vector<std::string>{"abc"}, 2)) ==
          "the request's body has at least 3 bytes, not the 2 that were announced");
    CHECK(error_with(std::make_shared<throwing>()) == "the request's body cannot be read: the tape is torn");
}

namespace {

const std::string early_answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers as soon as it has the head, and takes no byte of the body; then does what `next` says, once it is told to.
class early_server {
public:
    explicit early_server(script next = {})
        : server_([this, then = std::move(next)](conversation& client) {
              client.receive_head();
              client.send(early_answer);
              told_.get_future().wait();
              if (then) then(client);
          }) {}
    ~early_server() { go_on(); }
    void go_on() {
        if (!std::exchange(was_told_, true)) told_.set_value();
    }
    std::string url() const { return server_.url(); }

private:
    std::promise<void> told_;
    bool was_told_ = false;
    scripted_server server_;
};

/// What comes of reading on after a whole answer, while the request is still being sent; `meanwhile` happens in between.
std::optional<client_error> end_of_early_answer(client_request asked, const client_options& options,
                                                const std::function<void()>& meanwhile = {}) {
    return on_a_loop([](client_request request, const client_options& how,
                        const std::function<void()>& happens) -> task<std::optional<client_error>> {
        http::client client(how);
        auto response = co_await client.send(std::move(request));
        if (!response) co_return response.error();
        auto body = co_await response->read();
        if (!body) co_return body.error();
        CHECK(*body == "ok");
        if (happens) happens();
        auto end = co_await response->read();
        if (!end) co_return end.error();
        CHECK(end->empty());
        co_return std::nullopt;
    }(std::move(asked), options, meanwhile));
}

const std::string more_than_fits(50'000'000, 'x');

client_request big_upload_to(const std::string& url) {
    return request_of(url, "PUT", request_body::borrowed(more_than_fits));
}

} // namespace

TEST_CASE("an early answer does not hide that the source of the body failed") {
    class fails_when_told : public body_source {
    public:
        task<result<std::string_view>> read() override {
            auto told = co_await now.wait();
            co_return failure(told ? EIO : ECANCELED);
        }
        event now;
    };
    early_server server;
    const auto source = std::make_shared<fails_when_told>();
    const auto error =
        end_of_early_answer(request_of(server.url(), "PUT", source), quiet_options(), [&] { source->now.set(); });
    REQUIRE(error);
    CHECK(error->what == kind::body_not_read);
    CHECK(error->message() == "the request's body cannot be read: Input/output error");
}

TEST_CASE("an early answer does not hide that a limit passed before the request was sent") {
    early_server server;
    client_options options = quiet_options();
    options.whole_time = 200ms;
    auto error = end_of_early_answer(big_upload_to(server.url()), options);
    REQUIRE(error);
    CHECK(error->what == kind::timed_out);

    early_server another;
    options.whole_time = 0ms;
    options.stall_time = 200ms;
    error = end_of_early_answer(big_upload_to(another.url()), options);
    REQUIRE(error);
    CHECK(error->what == kind::timed_out);
}

TEST_CASE("an early answer does not hide a stop before the request was sent, whatever its source makes of that") {
    class waits_for_ever : public body_source {
    public:
        task<result<std::string_view>> read() override {
            event never;
            auto waited = co_await never.wait();
            waited.value();
            co_return std::string_view();
        }
    };
    const std::shared_ptr<body_source> source = std::make_shared<waits_for_ever>();
    for (const request_body& content : {request_body::borrowed(more_than_fits), request_body(source)}) {
        early_server server;
        const auto ended = on_a_loop([](client_request asked) -> task<std::optional<kind>> {
            http::client client(quiet_options());
            auto response = co_await client.send(std::move(asked));
            if (!response) co_return response.error().what;
            auto body = co_await response->read();
            if (!body) co_return body.error().what;
            CHECK(*body == "ok");
            std::optional<kind> seen;
            scope reading;
            reading.spawn([](client_response& from, std::optional<kind>& what) -> task<> {
                auto end = co_await from.read();
                if (!end) what = end.error().what;
            }(*response, seen));
            reading.stop();
            co_await reading.join();
            co_return seen;
        }(request_of(server.url(), "PUT", content)));
        CHECK(ended == kind::cancelled);
    }
}

TEST_CASE("a server that has answered need not want the rest of the request") {
    early_server server([](conversation& client) { client.reset(); });
    const auto error = end_of_early_answer(big_upload_to(server.url()), quiet_options(), [&] { server.go_on(); });
    CHECK_FALSE(error);
}
