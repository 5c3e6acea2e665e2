#include <tuyau/net/line_reader.hpp>

namespace tuyau {

task<result<std::string>> line_reader::next() & {
    std::string line;
    for (;;) {
        const std::string_view rest = rest_.text();
        const std::size_t end = rest.find('\n');
        const std::string_view part = rest.substr(0, end);
        // One more, for a CR that is not part of the line.
        if (line.size() + part.size() != 0 && line.size() + part.size() - 1 > longest_)
            co_return failure(std::errc::message_size);
        line.append(part);
        if (end != std::string_view::npos) {
            rest_.remove_prefix(end + 1);
            if (rest_.empty()) rest_.release();
            if (!line.empty() && line.back() == '\r') line.pop_back();
            if (line.size() > longest_) co_return failure(std::errc::message_size);
            co_return line;
        }
        rest_.release();
        auto received = co_await stream_.receive();
        if (!received) co_return failure(received.error());
        if (received->empty()) {
            if (line.empty()) co_return failure(std::errc::broken_pipe);
            co_return line;
        }
        rest_ = std::move(*received);
    }
}

} // namespace tuyau
