// error: deleted
#include <tuyau/net/tcp_stream.hpp>

tuyau::tcp_stream open();

tuyau::task<> listen() {
#ifdef MISUSE
    co_await open().receive();
#else
    auto stream = open();
    co_await stream.receive();
#endif
}
