#include <tuyau/runtime/ring_trouble.hpp>

#include <cerrno>

#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr int nobody = 2; // kernel.io_uring_disabled, Documentation/admin-guide/sysctl/kernel.rst

ring_trouble not_permitted() {
    const int level = system::io_uring_disabled();
    const std::string setting = "(kernel.io_uring_disabled = " + std::to_string(level) + ")";
    const std::string mend = "as root: sysctl -w kernel.io_uring_disabled=0";
    if (level >= nobody) return {"io_uring is switched off on this machine " + setting, mend};
    if (level > 0)
        return {"io_uring is kept for root and one group on this machine " + setting,
                mend + ", or sysctl -w kernel.io_uring_group=GROUP, the number of a group that this user is in"};
    if (system::seccomp_mode() == 0)
        return {
            "io_uring is not permitted here, although no seccomp filter is active: most likely by a security module",
            "allow io_uring in its policy (SELinux: class io_uring)"};
    return {
        "io_uring is not permitted here, most likely by a container's seccomp profile",
        "run the container with a profile that allows io_uring_setup, io_uring_enter and io_uring_register (for Docker "
        "or Podman: --security-opt seccomp=PROFILE.json, or seccomp=unconfined)"};
}

} // namespace

ring_trouble explain(int error) {
    switch (error) {
    case EPERM:
    case EACCES: return not_permitted();
    case ENOSYS:
        return {"this kernel has no io_uring (or a sandbox hides it)",
                "Linux 6.1 or newer, built with CONFIG_IO_URING, is needed"};
    case ENOMEM:
        return {"not enough locked memory for the ring's queues",
                "raise the limit (ulimit -l, LimitMEMLOCK= in a systemd unit, --ulimit memlock= for Docker or Podman)"};
    case EMFILE:
        return {"no file descriptor left for the ring",
                "raise the limit (ulimit -n, LimitNOFILE= in a systemd unit, --ulimit nofile= for Docker or Podman)"};
    case ENFILE:
        return {"no file descriptor left on this machine",
                "as root: sysctl -w fs.file-max=NUMBER with a larger number"};
    case EINVAL: return {"this kernel's io_uring is too old", "Linux 6.1 or newer is needed"};
    default: return {"io_uring could not be set up", ""};
    }
}

} // namespace tuyau
