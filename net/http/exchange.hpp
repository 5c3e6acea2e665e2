#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <tuyau/net/http/date.hpp>
#include <tuyau/net/http/response_batch.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/task.hpp>

namespace tuyau::http {

/// One request and its response, as their connection sees them: what `request` and `response` stand on.
class exchange {
public:
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    /// The next piece of the request's body, valid until the next call; empty at its end. See `request::read`.
    virtual task<result<std::string_view>> read_body() = 0;

    /// What came behind the body.
    virtual std::span<const field> trailers() const noexcept = 0;

    /// Whether the connection closes after the response, as far as is known now.
    virtual bool closes() const noexcept = 0;

    /// Sends what is in the batch, and empties it.
    virtual task<result<void>> flush() = 0;

    response_batch& batch() noexcept { return batch_; }
    date_clock& date() noexcept { return date_; }

    /// For the response: its head is in the batch.
    void begin_response() noexcept { response_began_ = true; }

protected:
    bool response_began() const noexcept { return response_began_; }
    void expect_response() noexcept { response_began_ = false; }

    exchange(response_batch& batch, date_clock& date) noexcept : batch_(batch), date_(date) {}
    ~exchange() = default;

private:
    response_batch& batch_;
    date_clock& date_;
    bool response_began_ = false;
};

} // namespace tuyau::http
