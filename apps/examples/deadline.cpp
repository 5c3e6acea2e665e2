// with_deadline bounds a whole task, whatever it waits for and however deep: here a connection, a request and an answer
// that never comes. A deadline object can be moved while the task runs.
//
// Prints what became of a request that is not answered, and of a download that stalls after its third piece.

#include <chrono>
#include <string>

#include <fmt/format.h>

#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/net/tcp_stream.hpp>
#include <tuyau/runtime/deadline.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/sync/channel.hpp>

using namespace tuyau;
using namespace std::chrono_literals;

namespace {

task<result<std::string>> ask(endpoint server) {
    auto connection = co_await connect(server);
    if (!connection) co_return failure(connection.error());
    auto sent = co_await connection->send("what time is it?\n");
    if (!sent) co_return failure(sent.error());
    auto answer = co_await connection->receive();
    if (!answer) co_return failure(answer.error());
    co_return std::string(answer->text());
}

task<> download(channel<int>& pieces, deadline& limit) {
    while (auto piece = co_await pieces.receive()) {
        fmt::print("piece {}\n", *piece);
        limit.expires_after(50ms); // for the next one
    }
}

task<> show() {
    // The kernel completes connections to it, and nobody ever accepts one.
    tcp_listener silent = tcp_listener::bind({"127.0.0.1", 0}).value();
    auto answer = co_await with_deadline(50ms, ask(silent.local_endpoint().value()));
    fmt::print("the answer: {}\n", answer ? *answer : answer.error().message());

    channel<int> pieces(3);
    for (int number : {1, 2, 3}) pieces.try_send(number);
    deadline limit(10s);
    auto downloaded = co_await with_deadline(limit, download(pieces, limit));
    fmt::print("the download: {}\n", downloaded ? "complete" : downloaded.error().message());
}

} // namespace

int main() { return tuyau::run(show()); }
