#pragma once

#include <string>

namespace tuyau {

/// Why something did not work on this machine, and what its user can do about it: each a clause without a full stop.
struct ring_trouble {
    std::string cause;
    std::string remedy;

    /// Both, in one line.
    std::string text() const { return remedy.empty() ? cause : cause + "; " + remedy; }
};

/// What it means here that setting up a ring failed with this errno value.
ring_trouble explain(int error);

} // namespace tuyau
