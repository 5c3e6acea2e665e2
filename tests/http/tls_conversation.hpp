#pragma once

#include <memory>
#include <string>

#include <openssl/types.h>

#include "support/scripted_server.hpp"
#include "tls/authority.hpp"

namespace tests {

/// Who a server is, and what it has to resume sessions: for any number of connections.
class tls_identity {
public:
    /// `speaks_http`: it chooses http/1.1 by ALPN, where that is offered.
    explicit tls_identity(const identity& whose, bool speaks_http = true);

    SSL_CTX* native() const noexcept { return native_.get(); }

private:
    std::shared_ptr<SSL_CTX> native_;
};

/// The server's end of TLS on one connection of a scripted server: OpenSSL on the socket, nothing of ours. Throws when what
/// is waited for does not come. Its end says nothing to the client: see `say_end`.
class tls_conversation {
public:
    /// Shakes hands.
    tls_conversation(conversation& over, const tls_identity& as);
    tls_conversation(const tls_conversation&) = delete;
    tls_conversation& operator=(const tls_conversation&) = delete;

    /// The head of the next request; empty when the client has ended.
    std::string receive_head();

    void send(const std::string& bytes);

    /// What TLS 1.3 may say at any time: a ticket for a later session, and new keys, to be answered with new ones.
    void send_ticket();
    void send_new_keys();

    /// close_notify.
    void say_end();

    /// Waits for the client to end, whatever it still says; whether it has said so by close_notify.
    bool ends_in_order();

    bool was_resumed() const;
    std::string protocol() const; ///< by ALPN
    std::string name() const;     ///< that the client asked for

private:
    std::shared_ptr<SSL> native_;
};

} // namespace tests
