#include <tuyau/net/tls/session_cache.hpp>

#include <algorithm>

#include <openssl/ssl.h>

namespace tuyau::detail {
namespace {

constexpr std::ptrdiff_t most_of_a_host = 4;

} // namespace

void free_session::operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }

void session_cache::put(std::string_view host, owned_session session) {
    if (most_ == 0) return;
    const std::lock_guard lock(mutex_);
    const auto is_hers = [&](const entry& each) { return each.host == host; };
    if (std::count_if(entries_.begin(), entries_.end(), is_hers) >= most_of_a_host)
        entries_.erase(std::find_if(entries_.begin(), entries_.end(), is_hers));
    else if (entries_.size() >= most_)
        entries_.erase(entries_.begin());
    entries_.push_back({std::string(host), std::move(session)});
}

owned_session session_cache::take(std::string_view host) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(entries_.rbegin(), entries_.rend(), [&](const entry& each) { return each.host == host; });
    if (found == entries_.rend()) return nullptr;
    if (SSL_SESSION_get_protocol_version(found->session.get()) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(found->session.get());
        return owned_session(found->session.get());
    }
    owned_session session = std::move(found->session);
    entries_.erase(std::prev(found.base()));
    return session;
}

} // namespace tuyau::detail
