#include <tuyau/net/http/rehearsal.hpp>

namespace tuyau::http {

task<std::string> rehearse(handler answer, std::string requests, server_limits limits, std::size_t piece_size) {
    std::string answers;
    detail::server_state server(std::move(answer), limits);
    rehearsal_stream stream(std::move(requests), piece_size, answers);
    co_await detail::converse(server, std::move(stream));
    co_return answers;
}

} // namespace tuyau::http
