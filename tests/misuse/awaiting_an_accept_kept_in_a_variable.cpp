// error: deleted
#include <tuyau/net/tcp_listener.hpp>

tuyau::task<> serve(tuyau::tcp_listener listener) {
#ifdef MISUSE
    auto accepting = listener.accept();
    listener.close();
    co_await accepting;
#else
    co_await listener.accept();
#endif
}
