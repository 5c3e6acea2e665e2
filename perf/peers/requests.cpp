#include "requests.hpp"

namespace peer {
namespace {

int count_one(llhttp_t* parser) {
    ++*static_cast<int*>(parser->data);
    return 0;
}

const llhttp_settings_t& settings() noexcept {
    static const llhttp_settings_t table = [] {
        llhttp_settings_t each;
        llhttp_settings_init(&each);
        each.on_message_complete = count_one;
        return each;
    }();
    return table;
}

} // namespace

request_counter::request_counter() noexcept { llhttp_init(&parser_, HTTP_REQUEST, &settings()); }

int request_counter::count(const char* bytes, std::size_t size) noexcept {
    int complete = 0;
    parser_.data = &complete;
    return llhttp_execute(&parser_, bytes, size) == HPE_OK ? complete : -1;
}

} // namespace peer
