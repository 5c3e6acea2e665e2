#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace peer {

/// One response, and it several times in a row for requests that came together, so that one send answers them all. The
/// bytes stay where they are until the end, and `response` must.
class answers {
public:
    explicit answers(const std::string& response) : response_(response), ready_{std::string_view()} {}

    std::string_view to(unsigned requests) {
        while (ready_.size() <= requests) ready_.push_back(rows_.emplace_back(std::string(ready_.back()) + response_));
        return ready_[requests];
    }

private:
    const std::string& response_;
    std::deque<std::string> rows_;
    std::vector<std::string_view> ready_; // by the number of requests
};

} // namespace peer
