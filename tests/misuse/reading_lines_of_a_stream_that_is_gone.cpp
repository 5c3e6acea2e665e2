// error: rvalue|expects an lvalue|no matching
#include <tuyau/net/line_reader.hpp>

tuyau::tcp_stream open();

tuyau::task<> read() {
#ifdef MISUSE
    tuyau::line_reader lines(open());
#else
    auto stream = open();
    tuyau::line_reader lines(stream);
#endif
    co_await lines.next();
}
