#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tuyau/runtime/task.hpp>

namespace uring_client {

/// What the options -d make the body, joined by `&`; nothing when there are none. Each is the text itself, `@FILE` for
/// what FILE holds or `@-` for standard input, both without CR, LF and NUL, as with curl. Throws failures.
tuyau::task<std::optional<std::string>> read_body(std::vector<std::string> data);

} // namespace uring_client
