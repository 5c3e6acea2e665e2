// What uring-client asks of the C library about files, which are those of the simulated kernel.

#include <cerrno>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "../kernel/files.hpp"
#include "../kernel/kernel.hpp"

using simulation::kernel;

namespace {

/// The disk, if the file is there.
std::map<std::string, std::shared_ptr<std::string>>* disk_with(const char* path) {
    kernel* here = kernel::current_or_null();
    return here != nullptr && here->disk().contains(path) ? &here->disk() : nullptr;
}

/// Real ones have smaller numbers.
bool is_simulated(int fd) { return fd >= 1'000'000 && kernel::current_or_null() != nullptr; }

} // namespace

extern "C" {

int __real_close(int fd);
int __real_stat(const char* path, struct stat* told);
int __real_access(const char* path, int how);
int __real_fchmod(int fd, mode_t mode);
int __real_isatty(int fd);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);

int __wrap_close(int fd) {
    if (!is_simulated(fd)) return __real_close(fd);
    kernel& here = kernel::current();
    const auto in = here.enter();
    if (!here.find_as<simulation::regular_file>(fd))
        here.violation(fmt::format("descriptor {}, which is no file's, was closed past the runtime", fd));
    const int result = here.close(fd);
    if (result < 0) errno = -result;
    return result < 0 ? -1 : 0;
}

int __wrap_stat(const char* path, struct stat* told) {
    if (disk_with(path) == nullptr) return __real_stat(path, told);
    *told = {};
    told->st_mode = S_IFREG | 0644;
    return 0;
}

int __wrap_access(const char* path, int how) { return disk_with(path) == nullptr ? __real_access(path, how) : 0; }

int __wrap_fchmod(int fd, mode_t mode) { return is_simulated(fd) ? 0 : __real_fchmod(fd, mode); }

/// Whatever the test itself runs on.
int __wrap_isatty(int fd) { return kernel::current_or_null() != nullptr ? 0 : __real_isatty(fd); }

int __wrap_rename(const char* from, const char* to) {
    auto* disk = disk_with(from);
    if (disk == nullptr) return __real_rename(from, to);
    (*disk)[to] = disk->at(from);
    disk->erase(from);
    return 0;
}

int __wrap_unlink(const char* path) {
    auto* disk = disk_with(path);
    if (disk == nullptr) return __real_unlink(path);
    disk->erase(path);
    return 0;
}
}
