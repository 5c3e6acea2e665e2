#pragma once

#include <string>
#include <string_view>

namespace uring_client {

/// Makes text of others fit to be shown on a terminal, which takes control characters for commands: of C0 and C1 (ECMA-48)
/// all but tabs and line ends are written as `\x1b`, and so is what is no UTF-8. However the text is cut into pieces.
class terminal_text {
public:
    /// What is to be shown of the next piece. The last bytes of an unfinished character wait for the next one.
    std::string show(std::string_view piece);

    /// What still waits.
    std::string finish();

private:
    std::string kept_;
};

/// For a text that is whole.
std::string shown_on_terminal(std::string_view text);

/// The same in one line.
std::string in_one_line(std::string_view text);

} // namespace uring_client
