#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tuyau/net/http/client/client.hpp>
#include <tuyau/runtime/task.hpp>

#include "messages.hpp"
#include "options.hpp"
#include "output.hpp"
#include "request.hpp"
#include "transcript.hpp"
#include "write_out.hpp"

namespace uring_client {

/// What the transfers of one command line share.
struct undertaking {
    const request_options& options;
    const std::vector<header_line>& lines;
    const body& sent;
    tuyau::http::client& client;
    messages& told;
};

/// One URL, from the request to the last byte that is written: with second attempts, and what was left by another run.
class transfer {
public:
    /// `where` is `text`, read.
    transfer(const undertaking& shared, std::size_t number, std::string text, tuyau::http::url where);

    /// Throws the failure, or `stopped`.
    tuyau::task<> run();

    transfer_facts& facts() noexcept { return facts_; }

private:
    using clock = std::chrono::steady_clock;

    std::string path() const;
    tuyau::task<> open(std::optional<output>& out);
    tuyau::task<> in_time(tuyau::task<> work);
    tuyau::task<> try_until_done(output& out);
    tuyau::task<> try_once(output& out);
    tuyau::task<> take(tuyau::http::client_response& response, output& out);
    tuyau::task<> take_body(tuyau::http::client_response& response, output& out);
    tuyau::task<> print_heads(output& out);
    tuyau::http::client_request request() const;
    void note(const tuyau::http::client_response& response);
    void judge_status(const tuyau::http::response_head& head);
    bool place_response(const tuyau::http::client_response& response, output& out);
    void check_rest(std::uint64_t taken, bool ended, output& out);
    bool may_try_again() const noexcept;
    std::optional<std::chrono::milliseconds> pause_before_next() const;

    const undertaking& shared_;
    std::string text_;
    tuyau::http::url where_;
    transcript transcript_;
    transfer_facts facts_;
    std::string validator_;             // of what is in the output; empty: it cannot be gone on with
    std::uint64_t resumed_at_ = 0;      // what of the output was there when this attempt began
    std::optional<std::uint64_t> rest_; // bytes that the body must have to complete it; none: it begins anew
    bool may_go_better_ = false;        // another time
    unsigned attempt_ = 0;
    clock::time_point attempt_begun_;
    std::chrono::milliseconds retry_after_{};
};

} // namespace uring_client
