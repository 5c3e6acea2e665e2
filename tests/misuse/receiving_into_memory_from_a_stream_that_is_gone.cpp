// error: deleted
#include <tuyau/net/tcp_stream.hpp>

tuyau::tcp_stream open();

tuyau::task<> listen(std::span<std::byte> space) {
#ifdef MISUSE
    auto receiving = open().receive(space);
#else
    auto stream = open();
    auto receiving = stream.receive(space);
#endif
    co_await std::move(receiving);
}
