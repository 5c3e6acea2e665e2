#include <tuyau/net/http/request.hpp>

namespace tuyau::http {

task<result<std::string>> request::read_all(std::size_t most) {
    std::string whole;
    for (;;) {
        auto piece = co_await read();
        if (!piece) co_return failure(piece.error());
        if (piece->empty()) co_return whole;
        if (piece->size() > most - whole.size()) co_return failure(std::errc::message_size);
        whole += *piece;
    }
}

} // namespace tuyau::http
