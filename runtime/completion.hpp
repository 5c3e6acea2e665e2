#pragma once

#include <tuyau/runtime/list.hpp>

namespace tuyau {

/// Whom a completion of the ring is for: the address in a request's user data. While its request is being cancelled it is
/// in a list of the ring.
class completion_target : public list_node {
public:
    /// Records one completion: its result, and its `IORING_CQE_F_*` flags. Runs while completions are being read, so
    /// it resumes nothing; it may prepare requests.
    virtual void complete(int result, unsigned flags) noexcept = 0;

protected:
    ~completion_target() = default;
};

} // namespace tuyau
