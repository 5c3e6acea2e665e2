#include "failure.hpp"

#include <tuyau/runtime/result.hpp>

namespace uring_client {

void fail(std::error_code error, const std::string& doing, exit_code code, const std::string& line) {
    if (tuyau::is_cancelled(error)) throw stopped(doing);
    throw failure(code, line);
}

} // namespace uring_client
