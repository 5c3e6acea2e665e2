# Packages by `cpack`, in the build folder: tuyau, the programs, and libtuyau-dev, the libraries.

if(NOT TUYAU_INSTALL)
    return()
endif()

# Debian's packages have a changelog, compressed without a time so that the same sources make the same package.
find_program(TUYAU_GZIP gzip)
if(TUYAU_GZIP)
    string(TIMESTAMP tuyau_now "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH, where it is set
    file(WRITE "${PROJECT_BINARY_DIR}/installed/changelog"
        "tuyau (${PROJECT_VERSION}) unstable; urgency=medium\n\n  * Version ${PROJECT_VERSION}.\n\n"
        " -- Tuyau <tuyau@localhost>  ${tuyau_now}\n")
    execute_process(COMMAND "${TUYAU_GZIP}" -9nf "${PROJECT_BINARY_DIR}/installed/changelog" COMMAND_ERROR_IS_FATAL ANY)
    install(FILES "${PROJECT_BINARY_DIR}/installed/changelog.gz"
        DESTINATION "${tuyau_doc_dir}/libtuyau-dev" COMPONENT development)
    if(TUYAU_BUILD_APPS)
        install(FILES "${PROJECT_BINARY_DIR}/installed/changelog.gz"
            DESTINATION "${tuyau_doc_dir}/tuyau" COMPONENT programs)
    endif()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tuyau)
set(CPACK_PACKAGE_VENDOR "The Tuyau authors")
set(CPACK_PACKAGE_CONTACT "Tuyau <tuyau@localhost>")
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL development)
if(TUYAU_BUILD_APPS)
    list(APPEND CPACK_COMPONENTS_ALL programs)
endif()

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME tuyau)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION net)
set(CPACK_COMPONENT_PROGRAMS_DESCRIPTION "web server and HTTP client over io_uring
uring-http serves a page over HTTP/1.1 to any number of clients at once;
uring-client sends a request, or standard input, and prints the answer.
Both need Linux 6.1 or later with io_uring allowed.")
find_program(TUYAU_SHLIBDEPS dpkg-shlibdeps)
if(TUYAU_SHLIBDEPS)
    set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
else()
    set(CPACK_DEBIAN_PROGRAMS_PACKAGE_DEPENDS "libc6, libgcc-s1, libstdc++6, libssl3, zlib1g, libbrotli1, libzstd1")
endif()

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libtuyau-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "C++20 coroutine runtime over io_uring, TCP, TLS and HTTP
Static libraries, headers, and the files for CMake and pkg-config.
A stop reaches whatever a task waits for, what is in flight is waited for,
and nothing is allocated per operation once warm.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libexpected-dev, libssl-dev (>= 3.0), zlib1g-dev, libbrotli-dev, libzstd-dev")
if(NOT "liburing" IN_LIST tuyau_bundled)
    string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", liburing-dev (>= 2.5)")
endif()
if(NOT "llhttp" IN_LIST tuyau_bundled)
    string(APPEND CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS ", libllhttp-dev (>= 9)")
endif()

include(CPack)
