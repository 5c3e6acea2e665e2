#include <tuyau/net/http/status.hpp>

#include <llhttp.h>

namespace tuyau::http {

std::string_view reason(int status) noexcept {
    switch (status) {
#define TUYAU_REASON(number, name, words) \
    case number: return #words;
        HTTP_STATUS_MAP(TUYAU_REASON)
#undef TUYAU_REASON
    default: return {};
    }
}

} // namespace tuyau::http
