#include <tuyau/net/http/error_page.hpp>

#include <fmt/format.h>

#include <tuyau/net/http/status.hpp>

namespace tuyau::http {

std::string error_page(int status, std::string_view sentence) {
    return fmt::format(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} {1}</title></head>\n"
        "<body><h1>{0} {1}</h1><p>{2}</p></body></html>\n",
        status, reason(status), escape_html(sentence));
}

std::string escape_html(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        switch (c) {
        case '&': escaped += "&amp;"; break;
        case '<': escaped += "&lt;"; break;
        case '>': escaped += "&gt;"; break;
        case '"': escaped += "&quot;"; break;
        case '\'': escaped += "&#39;"; break;
        default: escaped.push_back(c);
        }
    }
    return escaped;
}

} // namespace tuyau::http
