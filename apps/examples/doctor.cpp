// diagnose() tries all that the runtime depends on, and says for each fault what mends it: for a program that wants to know
// before it starts, or a --doctor option.
//
// Prints what is switched off or missing here, if anything, and ends with 0 if programs can run. To see some:
// TUYAU_WITHOUT=buffer-ring,multishot-accept

#include <fmt/format.h>

#include <tuyau/runtime/doctor.hpp>

int main() {
    const tuyau::diagnosis found = tuyau::diagnose();
    for (const tuyau::finding& each : found.findings) {
        using enum tuyau::finding::condition;
        if (each.state == off || each.state == missing) fmt::print("without {}: {}\n", each.name, each.why);
        if (each.state == fault) fmt::print("{}: {}\n  {}\n", each.name, each.why, each.remedy);
    }
    fmt::print("programs {} run here\n", found.can_run() ? "can" : "cannot");
    return found.can_run() ? 0 : 1;
}
