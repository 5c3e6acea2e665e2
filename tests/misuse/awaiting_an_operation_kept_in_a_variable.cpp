// error: deleted
#include <vector>

#include <tuyau/runtime/file.hpp>

tuyau::task<> look(int fd) {
    std::vector<std::byte> space(16);
#ifdef MISUSE
    auto reading = tuyau::read_some(fd, space);
    space = {};
    co_await reading; // into memory that is gone
#else
    co_await tuyau::read_some(fd, space);
#endif
}
