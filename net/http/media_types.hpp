#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include <tuyau/runtime/result.hpp>

namespace tuyau::http {

/// Which media type a file's name stands for (RFC 9110, section 8.3).
///
/// Knows the types of the web by itself; all others come from the shared MIME database, where a system has it.
class media_types {
public:
    media_types();

    /// Adds what the database's file `globs2` says (its specification: section 2.3): names and `*.extension`; other patterns
    /// are left out. What is known already stays as it is.
    void add_globs(std::string_view text);

    /// Reads the file at `path`; where it usually is: `system_globs`. Blocks: for the beginning of a program.
    result<void> add_globs_of(const std::string& path);

    /// By the longest extension that is known (`.tar.gz` before `.gz`), in any case; with `; charset=utf-8` for text.
    /// `application/octet-stream` if there is none.
    std::string_view of(std::string_view name) const;

    static constexpr const char* system_globs = "/usr/share/mime/globs2";

private:
    struct entry {
        std::string type;
        unsigned weight;
    };
    void add(std::string_view key, std::string_view type, unsigned weight);

    std::unordered_map<std::string, entry> types_; // by an extension with its dot, or a whole name
};

} // namespace tuyau::http
