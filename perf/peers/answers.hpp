#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace peer {

/// One response, and it several times in a row for requests that came together, so that one send answers them all. The
/// bytes stay where they are until the end.
class answers {
public:
    explicit answers(const std::string& response) : rows_{{}, response} {}

    std::string_view to(unsigned requests) {
        while (rows_.size() <= requests) rows_.push_back(rows_.back() + rows_[1]);
        return rows_[requests];
    }

private:
    std::deque<std::string> rows_;
};

} // namespace peer
