// error: deleted
#include <tuyau/net/tcp_stream.hpp>

std::string words();

tuyau::task<> say(tuyau::tcp_stream& stream) {
#ifdef MISUSE
    auto sending = stream.send(words()); // the words are gone here
    co_await sending;
#else
    co_await stream.send(words());
#endif
}
