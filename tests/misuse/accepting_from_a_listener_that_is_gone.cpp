// error: deleted
#include <tuyau/net/tcp_listener.hpp>

tuyau::task<> serve(tuyau::endpoint where) {
#ifdef MISUSE
    co_await tuyau::tcp_listener::bind(where).value().accept();
#else
    auto listener = tuyau::tcp_listener::bind(where).value();
    co_await listener.accept();
#endif
}
