#pragma once

#include <memory>
#include <string>
#include <utility>

namespace conformance {

/// The kernel that a test runs on: what differs between the program that is linked with the machine's own and the one that
/// is linked with the simulated one, where a test runs over again with several seeds.
class present_kernel {
public:
    present_kernel();
    present_kernel(const present_kernel&) = delete;
    present_kernel& operator=(const present_kernel&) = delete;
    ~present_kernel();

    /// Both ends of a new pipe: the one to read from, the one to write to. The caller closes them.
    std::pair<int, int> make_pipe();

    /// A path under which no file is, in a folder where one can be made.
    std::string free_path();

    /// Sends this process a signal, which must be blocked.
    void send_signal(int number);

    /// The most further descriptors that may be opened, until the end of this object.
    void leave_descriptors(unsigned count);

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace conformance
