#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <tuyau/net/http/file_server.hpp>
#include <tuyau/net/http/rehearsal.hpp>
#include <tuyau/runtime/folder.hpp>
#include <tuyau/runtime/loop.hpp>

#include "support/temporary_folder.hpp"

namespace tests {

/// A file server for a folder, without a socket.
class served_folder {
public:
    explicit served_folder(tuyau::http::file_server_options options = {}) : options_(std::move(options)) {}

    const temporary_folder& files() const { return files_; }

    /// All that is answered to these bytes.
    std::string ask(std::string requests) {
        std::string answers;
        server();
        loop_.run(ask(std::move(requests), answers));
        return answers;
    }

    /// A GET of the path, with further fields, each with its CR LF.
    std::string get(const std::string& path, const std::string& fields = {}, const std::string& method = "GET") {
        return ask(method + " " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    }

    tuyau::http::file_server& server() {
        if (!server_) {
            loop_.run(open());
            server_.emplace(*root_, types_, options_);
        }
        return *server_;
    }
    tuyau::loop& loop() { return loop_; }

private:
    tuyau::task<> open() {
        auto opened = co_await tuyau::folder::open(files_.path().string());
        root_.emplace(std::move(opened.value()));
    }
    tuyau::task<> ask(std::string requests, std::string& answers) {
        answers = co_await tuyau::http::rehearse(std::ref(*server_), std::move(requests));
    }

    temporary_folder files_;
    tuyau::loop loop_;
    tuyau::http::file_server_options options_;
    tuyau::http::media_types types_;
    std::optional<tuyau::folder> root_;
    std::optional<tuyau::http::file_server> server_;
};

inline std::string status_of(const std::string& answer) { return answer.substr(9, 3); }

inline std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

/// The value of the field, or nothing.
inline std::string field_of(const std::string& answer, const std::string& name) {
    const auto head_end = answer.find("\r\n\r\n");
    const auto line = answer.find("\r\n" + name + ": ");
    if (line >= head_end) return {};
    const auto begin = line + name.size() + 4;
    return answer.substr(begin, answer.find("\r\n", begin) - begin);
}

} // namespace tests
