#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <tuyau/runtime/task.hpp>

#include "input_file.hpp"

namespace uring_client {

/// A form as browsers send it (multipart/form-data, RFC 7578), part by part from what -F says.
class multipart {
public:
    multipart();

    /// `name=value`, `name=@file` (an attachment) or `name=<file` (its text), each with `;type=…`, and an attachment with
    /// `;filename=…`. Throws failures.
    tuyau::task<> add(std::string option);

    std::string content_type() const;

    /// The whole of it, to be sent.
    std::shared_ptr<composition> finish();

private:
    std::string boundary_;
    std::shared_ptr<composition> content_ = std::make_shared<composition>();
};

} // namespace uring_client
