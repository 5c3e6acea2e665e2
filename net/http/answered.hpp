#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include <tuyau/net/http/refusal.hpp>
#include <tuyau/net/http/request_head.hpp>

namespace tuyau::http {

/// What became of one request.
struct answered {
    std::string_view client;             ///< its address, without the port; empty where a stream has none
    const request_head* asked = nullptr; ///< null for what was refused before it was understood; during the call only
    int status = 0;                      ///< 0: the client went away before there was a response
    std::uint64_t body_size = 0;         ///< bytes of the response's body; of one that was broken off, those that were sent
    refusal_cause refused = refusal_cause::none;
};

using response_observer = std::function<void(const answered&)>;

} // namespace tuyau::http
