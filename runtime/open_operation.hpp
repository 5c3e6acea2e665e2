#pragma once

#include <cerrno>
#include <coroutine>
#include <cstdint>
#include <string>

#include <fcntl.h>
#include <linux/openat2.h>

#include <tuyau/runtime/borrowing.hpp>
#include <tuyau/runtime/file.hpp>
#include <tuyau/runtime/loop.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/result.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau::detail {

/// Awaits openat2(2): `result<file>`. Whatever becomes of who waits, a descriptor that the kernel made is closed.
class open_operation final : public operation_base, public borrowing<open_operation> {
public:
    open_operation(int from, const std::string& path, std::uint64_t flags, std::uint64_t resolve,
                   std::uint64_t mode = 0) noexcept
        : from_(from), path_(path) {
        how_.flags = flags | O_CLOEXEC;
        how_.mode = mode;
        how_.resolve = resolve;
    }
    ~open_operation() {
        end();
        if (outcome() >= 0 && !taken_) system::close(outcome());
    }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        if (!begin_wait(handle)) return false;
        submit();
        return true;
    }

    result<file> await_resume() noexcept {
        if (outcome() < 0) return failure(-outcome());
        taken_ = true;
        return file(outcome());
    }

private:
    void submit() override {
        io_uring_prep_openat2(&loop::current().requests().prepare(*this), from_, path_.c_str(), &how_);
        submitted();
    }

    /// EAGAIN: something was renamed while the kernel was on its way through `..` (openat2(2)).
    bool unfinished(int outcome) noexcept override { return outcome == -EINTR || outcome == -EAGAIN; }

    int from_;
    const std::string& path_;
    open_how how_{};
    bool taken_ = false;
};

} // namespace tuyau::detail
