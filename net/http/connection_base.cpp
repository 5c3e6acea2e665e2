#include <tuyau/net/http/connection_base.hpp>

#include <string>
#include <string_view>

#include <tuyau/net/http/error_page.hpp>

namespace tuyau::http::detail {

void connection_base::tell(const request_head* asked, int status, std::uint64_t body_size, refusal_cause refused) {
    ++owner_.counts.responses;
    ++owner_.counts.refusals[static_cast<std::size_t>(refused)];
    if (!owner_.observer) return;
    owner_.observer(
        {address_ != nullptr ? std::string_view(*address_) : std::string_view(), asked, status, body_size, refused});
}

void connection_base::refuse(const refusal& why) {
    over_ = true;
    const bool known = in_request();
    const request_head asked = known ? desk_->parser.current() : request_head{};
    const std::string page = error_page(why.status, why.reason);
    desk_->batch.add(asked, true, why.status, "text/html; charset=utf-8", {}, page, owner_.date);
    tell(known ? &asked : nullptr, why.status, asked.method == HTTP_HEAD ? 0 : page.size(), why.cause);
}

void connection_base::lose_response(const request& asked, const response& reply) {
    if (reply.begun()) ++owner_.counts.incomplete_responses;
    tell(&asked, reply.begun() ? reply.status() : 0, reply.body_size(), refusal_cause::none);
}

connection_base::ending connection_base::end_response(const request& asked, response& reply,
                                                      const std::exception_ptr& thrown, const refusal& why,
                                                      bool taken_back) {
    if (thrown) {
        ++owner_.counts.handler_failures;
        if (owner_.failure_observer) owner_.failure_observer(thrown);
    }
    if (why.status != 0 && (taken_back || !reply.begun())) {
        refuse(why);
        return ending::refused;
    }
    if ((thrown && !reply.begun()) || reply.owes_all()) reply.fail();
    const bool broken_off = !reply.is_whole() && reply.begun() && (why.status != 0 || thrown);
    const bool whole = !broken_off && reply.finish();
    if (!whole) ++owner_.counts.incomplete_responses;
    tell(&asked, reply.status(), reply.body_size(), why.cause);
    return whole ? ending::goes_on : ending::broken;
}

} // namespace tuyau::http::detail
