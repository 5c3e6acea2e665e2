#include <tuyau/net/http/connection.hpp>

#include <string>
#include <utility>

#include <tuyau/net/http/error_page.hpp>

namespace tuyau::http::detail {
namespace {

constexpr std::size_t most_idle_batches = 64;
constexpr std::string_view html = "text/html; charset=utf-8";

} // namespace

std::unique_ptr<request_parser> server_state::take_parser() {
    return parser_ != nullptr ? std::move(parser_) : std::make_unique<request_parser>(limits.request);
}

void server_state::give_back(std::unique_ptr<request_parser> parser) noexcept {
    if (parser_ == nullptr) parser_ = std::move(parser);
}

std::unique_ptr<response_batch> server_state::take_batch() {
    if (batches_.empty()) return std::make_unique<response_batch>();
    auto batch = std::move(batches_.back());
    batches_.pop_back();
    return batch;
}

void server_state::give_back(std::unique_ptr<response_batch> batch) noexcept {
    batch->clear();
    if (batches_.size() < most_idle_batches) batches_.push_back(std::move(batch));
}

void connection_base::tell(const request_head* asked, int status, std::uint64_t body_size, refusal_cause refused) {
    ++owner_.counts.responses;
    ++owner_.counts.refusals[static_cast<std::size_t>(refused)];
    if (!owner_.observer) return;
    owner_.observer(
        {address_ != nullptr ? std::string_view(*address_) : std::string_view(), asked, status, body_size, refused});
}

void connection_base::refuse(const refusal& why, response_batch& batch) {
    over_ = true;
    const bool known = in_request();
    const request_head asked = known ? parser_->current() : request_head{};
    const std::string page = error_page(why.status, why.reason);
    batch.add(asked, true, why.status, html, {}, page, owner_.date);
    tell(known ? &asked : nullptr, why.status, asked.method == HTTP_HEAD ? 0 : page.size(), why.cause);
}

void connection_base::lose_response(const request& asked, const response& reply) {
    if (reply.begun()) ++owner_.counts.incomplete_responses;
    tell(&asked, reply.begun() ? reply.status() : 0, reply.body_size(), refusal_cause::none);
}

connection_base::ending connection_base::end_response(const request& asked, response& reply,
                                                      const std::exception_ptr& thrown, const refusal& why,
                                                      bool taken_back, response_batch& batch) {
    if (thrown) {
        ++owner_.counts.handler_failures;
        if (owner_.failure_observer) owner_.failure_observer(thrown);
    }
    if (why.status != 0 && (taken_back || !reply.begun())) {
        refuse(why, batch);
        return ending::refused;
    }
    if (thrown && !reply.begun()) reply.send_error(500, "The server failed to answer this request.");
    const bool broken_off = !reply.is_whole() && reply.begun() && (why.status != 0 || thrown);
    const bool whole = !broken_off && reply.finish();
    if (!whole) ++owner_.counts.incomplete_responses;
    tell(&asked, reply.status(), reply.body_size(), why.cause);
    return whole ? ending::goes_on : ending::broken;
}

} // namespace tuyau::http::detail
