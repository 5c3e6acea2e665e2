#pragma once

#include <string_view>

#include <tuyau/net/http/request.hpp>
#include <tuyau/net/http/response.hpp>
#include <tuyau/runtime/task.hpp>

/// The page of hello.html.
extern const std::string_view hello_page;

/// Answers every GET and HEAD of `/` with the Hello World page. For one loop.
class hello {
public:
    hello();

    tuyau::task<> operator()(tuyau::http::request& asked, tuyau::http::response& reply);

private:
    tuyau::http::prepared_response page_;
    tuyau::http::prepared_response not_found_;
};
