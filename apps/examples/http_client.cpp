// A client is asked for a URL and gives the response: connections that are kept, redirects, compression and what can go
// wrong on the way are the library's.
//
// Prints what it gets from a server of its own, over one connection.

#include <string>

#include <fmt/format.h>

#include <tuyau/net/http/client/client.hpp>
#include <tuyau/net/http/router.hpp>
#include <tuyau/net/http/server.hpp>
#include <tuyau/net/tcp_listener.hpp>
#include <tuyau/runtime/run.hpp>
#include <tuyau/runtime/scope.hpp>

using namespace tuyau;

namespace {

task<> greet(http::request& asked, http::response& reply) {
    reply.send("text/plain", fmt::format("Hello {}\n", asked.parameter("name")));
    co_return;
}

task<> echo(http::request& asked, http::response& reply) {
    auto body = co_await asked.read_all(1000);
    if (body) reply.send("text/plain", *body);
}

task<> send_elsewhere(http::request&, http::response& reply) {
    reply.set_status(301);
    reply.add_field("Location", "/hello/again");
    co_return;
}

task<> ask(const std::string& server) {
    http::client_options options;
    options.proxies = {}; // whatever the environment says
    http::client client(options);

    auto page = (co_await client.get(server + "/hello/world")).value();
    fmt::print("{} {}", page.status(), (co_await page.read_all(1000)).value());

    auto moved = (co_await client.get(server + "/old")).value();
    fmt::print("{} {}", moved.where().target, (co_await moved.read_all(1000)).value());

    http::client_request post;
    post.method = "POST";
    post.where = http::parse_url(server + "/echo").value();
    post.body = "to be said again\n";
    auto echoed = (co_await client.send(std::move(post))).value();
    for (;;) {
        auto piece = (co_await echoed.read()).value(); // as it comes
        if (piece.empty()) break;
        fmt::print("{}", piece);
    }

    fmt::print("{} connection\n", client.idle_connections());
    auto nobody = co_await client.get("http://127.0.0.1:1/");
    fmt::print("{}\n", nobody.error().message());
}

task<> show() {
    http::router routes;
    routes.add(HTTP_GET, "/hello/{name}", greet);
    routes.add(HTTP_GET, "/old", send_elsewhere);
    routes.add(HTTP_POST, "/echo", echo);
    http::server server(routes);
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0}).value();
    scope serving;
    serving.spawn(server.serve(listener));

    co_await ask("http://" + listener.local_endpoint().value().to_string());

    serving.stop();
    co_await serving.join();
    co_await server.drain();
}

} // namespace

int main() { return tuyau::run(show()); }
