// error: deleted
#include <tuyau/net/tcp_stream.hpp>

tuyau::tcp_stream open();

tuyau::task<> say(std::string_view first, std::string_view second) {
#ifdef MISUSE
    co_await open().send(first, second);
#else
    auto stream = open();
    co_await stream.send(first, second);
#endif
}
