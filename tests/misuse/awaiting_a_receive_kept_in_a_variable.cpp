// error: deleted
#include <tuyau/net/tcp_stream.hpp>

tuyau::task<> listen(tuyau::tcp_stream stream) {
#ifdef MISUSE
    auto receiving = stream.receive();
    stream.close();
    co_await receiving;
#else
    co_await stream.receive();
#endif
}
