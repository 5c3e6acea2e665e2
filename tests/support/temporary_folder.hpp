#pragma once

#include <chrono>
#include <filesystem>
#include <string>

namespace tests {

/// A folder for files of a test, gone at its end.
class temporary_folder {
public:
    temporary_folder();
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder();

    const std::filesystem::path& path() const { return path_; }
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }

    /// Writes a file, and the folders that it lies in. It is `age` old.
    void write(const std::string& name, const std::string& text, std::chrono::seconds age = std::chrono::hours(1)) const;

    void set_age(const std::string& name, std::chrono::seconds age) const;

private:
    std::filesystem::path path_;
};

} // namespace tests
