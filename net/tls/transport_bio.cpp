#include <tuyau/net/tls/transport_bio.hpp>

#include <algorithm>
#include <cstring>
#include <new>

#include <openssl/bio.h>

namespace tuyau::detail {
namespace {

int read(BIO* bio, char* space, std::size_t size, std::size_t* got) {
    auto& input = static_cast<tls_wire*>(BIO_get_data(bio))->input;
    BIO_clear_retry_flags(bio);
    if (input.empty()) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *got = std::min(size, input.size());
    std::memcpy(space, input.data(), *got);
    input.remove_prefix(*got);
    return 1;
}

int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* taken) {
    BIO_clear_retry_flags(bio);
    try {
        static_cast<tls_wire*>(BIO_get_data(bio))->output.append({bytes, size});
    } catch (const std::bad_alloc&) {
        return 0; // no retry: the connection fails
    }
    *taken = size;
    return 1;
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
        BIO_METHOD* each = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
        if (each == nullptr) throw std::bad_alloc();
        BIO_meth_set_read_ex(each, read);
        BIO_meth_set_write_ex(each, write);
        BIO_meth_set_ctrl(each, control);
        return each;
    }();
    return made;
}

} // namespace

BIO* new_transport_bio(tls_wire& wire) {
    BIO* bio = BIO_new(method());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, &wire);
    BIO_set_init(bio, 1);
    return bio;
}

} // namespace tuyau::detail
