#include <tuyau/runtime/ring_trouble.hpp>

#include <cerrno>

#include <tuyau/runtime/system.hpp>

namespace tuyau {
namespace {

constexpr int nobody = 2; // kernel.io_uring_disabled, Documentation/admin-guide/sysctl/kernel.rst

ring_trouble not_permitted() {
    if (const int level = system::io_uring_disabled(); level > 0) {
        std::string cause =
            "io_uring is switched off on this machine (kernel.io_uring_disabled = " + std::to_string(level);
        if (level < nobody) cause += ": only for root and one group";
        return {cause + ")", "as root: sysctl -w kernel.io_uring_disabled=0"};
    }
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
