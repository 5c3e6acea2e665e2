#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/process.hpp"
#include "support/temporary_folder.hpp"

namespace tests {

/// The name of a browser to be tested with. Where there is none the test is skipped, unless it was asked for.
inline std::string browser_or_skip() {
    for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
        if (run({"sh", "-c", std::string("command -v ") + name}).code == 0) return name;
    if (std::getenv("TUYAU_WITH_BROWSER") != nullptr) FAIL("no Chromium was found");
    SKIP("no Chromium on this machine (./check --with-browser installs one)");
    return {};
}

/// Runs it once, without a window; `work` is where it keeps its files.
inline outcome browse(const std::string& browser, const temporary_folder& work,
                      const std::vector<std::string>& options) {
    std::vector<std::string> command{"timeout",
                                     "120",
                                     browser,
                                     "--headless",
                                     "--no-sandbox",
                                     "--disable-gpu",
                                     "--no-first-run",
                                     "--disable-quic",
                                     "--disable-background-networking",
                                     "--disable-component-update",
                                     "--disable-sync",
                                     "--hide-scrollbars",
                                     "--user-data-dir=" + work / "profile"};
    command.insert(command.end(), options.begin(), options.end());
    return run(command);
}

} // namespace tests
