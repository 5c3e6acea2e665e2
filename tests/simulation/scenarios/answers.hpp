#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "../peer.hpp"

namespace simulation::scenarios {

/// What uring-http is asked, and what its answer must be.
struct question {
    const char* text;
    int status;
    bool has_body;
};

inline constexpr std::array<question, 6> questions{{
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, true},
    {"GET /missing HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nUser-Agent: somebody with a rather long name\r\n\r\n", 404,
     true},
    {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", 200, false},
    {"OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", 204, false},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world", 405, true},
    {"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 405, true},
}};

/// What a client has seen of one answer.
struct answer {
    int status = 0;
    std::string head;                  ///< its lines, each with its end
    std::optional<std::size_t> length; ///< that it tells of its body
    std::string body;

    bool has(std::string_view line) const;
    bool closes() const { return has("Connection: close"); }
};

/// Takes answers apart by the few rules that hold for this server. Independent of the product's parsers.
class answer_reader {
public:
    explicit answer_reader(peer& from) noexcept : from_(from) {}

    /// The next answer; nothing when the stream ended before its last byte. `torn` then tells whether it had begun.
    action<std::optional<answer>> next(bool has_body);

    /// Whether there is more than the answers that `next` gave: a part of another one, or a whole one.
    bool torn() const noexcept { return is_within_ || !bytes_.empty(); }

    /// Whether the stream ends here, without another byte. Waits for that.
    action<bool> ends();

private:
    action<bool> more();

    peer& from_;
    std::string bytes_;
    bool is_within_ = false;
};

/// Whether that is the answer to this: the page itself, or what is said in place of it.
void check_answer(const question& asked, const answer& got);

} // namespace simulation::scenarios
