// error: deleted
#include <tuyau/net/line_reader.hpp>

tuyau::task<> read(tuyau::tcp_stream& stream) {
#ifdef MISUSE
    auto line = tuyau::line_reader(stream).next();
#else
    tuyau::line_reader lines(stream);
    auto line = lines.next();
#endif
    co_await std::move(line);
}
