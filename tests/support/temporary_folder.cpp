#include "temporary_folder.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace tests {

temporary_folder::temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tuyau-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
}

temporary_folder::~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void temporary_folder::write(const std::string& name, const std::string& text, std::chrono::seconds age) const {
    const auto place = path_ / name;
    std::filesystem::create_directories(place.parent_path());
    std::ofstream file(place, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw std::runtime_error("cannot write " + place.string());
    set_age(name, age);
}

void temporary_folder::set_age(const std::string& name, std::chrono::seconds age) const {
    std::filesystem::last_write_time(path_ / name, std::filesystem::file_time_type::clock::now() - age);
}

} // namespace tests
