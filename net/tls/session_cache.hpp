#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

struct ssl_session_st; // SSL_SESSION, which <openssl/types.h> has not

namespace tuyau::detail {

struct free_session {
    void operator()(ssl_session_st* session) const noexcept;
};
using owned_session = std::unique_ptr<ssl_session_st, free_session>;

/// Sessions that servers have offered to resume, by the server's name: so many at most, the oldest go first. A session of
/// TLS 1.3 is given away once, so that nobody can tell by it who comes again (RFC 8446, appendix C.4). Used by any thread.
class session_cache {
public:
    explicit session_cache(std::size_t most) : most_(most) {}

    void put(std::string_view host, owned_session session);

    /// The newest one for `host`; null when there is none.
    owned_session take(std::string_view host);

private:
    struct entry {
        std::string host;
        owned_session session;
    };

    std::mutex mutex_;
    std::vector<entry> entries_; // oldest first
    std::size_t most_;
};

} // namespace tuyau::detail
