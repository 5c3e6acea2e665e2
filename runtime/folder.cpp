#include <tuyau/runtime/folder.hpp>

#include <cerrno>
#include <coroutine>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>

#include <tuyau/runtime/blocking.hpp>
#include <tuyau/runtime/operation.hpp>
#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

/// Awaits openat2(2): `result<file>`. Whatever becomes of who waits, a descriptor that the kernel made is closed.
class open_operation final : public operation_base, public borrowing<open_operation> {
public:
    open_operation(int from, const std::string& path, std::uint64_t flags, std::uint64_t resolve) noexcept
        : from_(from), path_(path) {
        how_.flags = flags | O_CLOEXEC;
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

/// Of a type as readdir(3) tells it.
file_kind kind_of(unsigned char type) noexcept {
    switch (type) {
    case DT_REG: return file_kind::regular;
    case DT_DIR: return file_kind::folder;
    case DT_UNKNOWN: return file_kind::unknown;
    default: return file_kind::other;
    }
}

} // namespace

task<result<folder>> folder::open(std::string path) {
    auto opened = co_await open_operation(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (!opened) co_return failure(opened.error());
    co_return folder(std::move(*opened));
}

task<result<file>> folder::open_file(std::string path) const {
    // Without O_NONBLOCK a FIFO would wait for its writer.
    co_return co_await open_operation(opened_.fd(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                      RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

task<result<std::vector<folder_entry>>> folder::list(std::string path, std::size_t most) const {
    auto opened =
        co_await open_operation(opened_.fd(), path, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    if (!opened) co_return failure(opened.error());
    using listing = result<std::vector<folder_entry>>;
    auto listed = co_await blocking([here = std::move(*opened), most]() mutable -> listing {
        system::folder_entries found;
        const int error = system::read_folder(here.release(), most, found);
        if (error < 0) return failure(-error);
        std::vector<folder_entry> entries;
        entries.reserve(found.size());
        for (auto& [name, type] : found) entries.push_back({std::move(name), kind_of(type)});
        return entries;
    });
    if (!listed) co_return failure(listed.error());
    co_return std::move(*listed);
}

} // namespace tuyau
