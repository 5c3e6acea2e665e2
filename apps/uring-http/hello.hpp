#pragma once

#include <string_view>

#include <tuyau/net/http/response.hpp>
#include <tuyau/net/http/server.hpp>

/// The page of hello.html.
extern const std::string_view hello_page;

/// Answers every GET and HEAD of `/` with the Hello World page.
class hello final : public tuyau::http::handler {
public:
    hello();

    void respond(const tuyau::http::request& asked, bool last, tuyau::http::response_batch& out,
                 tuyau::http::date_clock& date) override;

private:
    tuyau::http::prepared_response page_;
    tuyau::http::prepared_response not_found_;
};
