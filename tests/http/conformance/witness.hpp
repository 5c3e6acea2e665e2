#pragma once

#include <string>
#include <vector>

#include <tuyau/net/http/connection.hpp>
#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/net/http/server_limits.hpp>
#include <tuyau/runtime/task.hpp>

#include "table.hpp"

namespace conformance {

/// The handler of the table: it answers with what it has seen of the request.
tuyau::task<> witness(tuyau::http::request& asked, tuyau::http::response& reply);

/// What clients of the table may send: little, so that limits.cases is short.
tuyau::http::server_limits limits_of_the_table();

/// Notes what a server tells of its answers, to be held against the table.
class record {
public:
    /// A request that its client has left unfinished has no answer, and no status.
    void note(const tuyau::http::answered& told) {
        if (told.status != 0) told_.push_back({told.status, told.refused});
    }
    void clear() noexcept { told_.clear(); }

    /// What is wrong with that; empty if it is what the case says.
    std::string fault_in(const test_case& asked, bool next_followed) const;

private:
    struct entry {
        int status;
        tuyau::http::refusal_cause refused;
    };
    std::vector<entry> told_;
};

} // namespace conformance
