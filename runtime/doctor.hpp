#pragma once

#include <string>
#include <vector>

namespace tuyau {

/// One thing that was looked at.
struct finding {
    enum class condition : unsigned char {
        on,      ///< works, and is used
        off,     ///< not used, because somebody switched it off or something better is used
        missing, ///< not used, because this kernel lacks it; all works without it
        fault,   ///< nothing runs before this is mended
        info,    ///< good to know
    };

    std::string name;
    condition state;
    std::string why;
    std::string remedy; ///< may be empty
};

/// What this machine, this process's limits and its environment let the runtime do.
struct diagnosis {
    std::vector<finding> findings;

    bool can_run() const noexcept;
};

/// Looks at all that the runtime depends on, by trying it: a loop is made on this thread and destroyed again, after the
/// soft limit on descriptors was raised to the hard one as by `run`. Throws nothing but `std::bad_alloc`.
diagnosis diagnose();

/// The findings in aligned lines, and a last one that says whether programs can run here.
std::string to_text(const diagnosis& found);

} // namespace tuyau
