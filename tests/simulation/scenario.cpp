#include "scenario.hpp"

#include <array>

namespace simulation {

namespace scenarios {
void cancels(kernel& here);
void loops(kernel& here);
void operations(kernel& here);
void chat(kernel& here);
void uring_client(kernel& here);
void uring_client_names(kernel& here);
void uring_http(kernel& here);
void uring_http_files(kernel& here);
void warm(kernel& here);
void conformance_of_the_server(kernel& here);
} // namespace scenarios

std::span<const scenario> all_scenarios() noexcept {
    static constexpr std::array all{
        scenario{"cancels", scenarios::cancels},
        scenario{"loops", scenarios::loops},
        scenario{"operations", scenarios::operations},
        scenario{"chat", scenarios::chat},
        scenario{"uring-client", scenarios::uring_client},
        scenario{"uring-http", scenarios::uring_http},
        scenario{"warm", scenarios::warm},
        scenario{"conformance", scenarios::conformance_of_the_server},
        scenario{"uring-http-files", scenarios::uring_http_files},
        scenario{"uring-client-names", scenarios::uring_client_names},
    };
    return all;
}

int run_program(int (*program)(int, char**), const std::vector<std::string>& arguments) {
    std::vector<std::string> kept = arguments;
    std::vector<char*> pointers;
    for (std::string& each : kept) pointers.push_back(each.data());
    pointers.push_back(nullptr);
    return program(static_cast<int>(kept.size()), pointers.data());
}

action<> until_listening(std::uint16_t port) {
    while (!kernel::current().net().listener_on(port)) co_await pause(1ms);
}

} // namespace simulation
