#pragma once

namespace tuyau {

/// Ends the program with a sentence on standard error when a rule that the caller owes is broken: for misuse that
/// cannot be an error value, such as awaiting a task twice. Always compiled in.
[[noreturn]] void broken_contract(const char* sentence) noexcept;

constexpr void require(bool kept, const char* sentence) noexcept {
    if (!kept) [[unlikely]]
        broken_contract(sentence);
}

} // namespace tuyau
