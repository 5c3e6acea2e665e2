# What `cmake --install` puts where, in two components: `programs`, and `development` for who builds on the libraries.
#
#   bin/                        uring-http, uring-client
#   lib/libtuyau_*.a            the libraries, found by lib/cmake/tuyau/ (find_package) and lib/pkgconfig/tuyau-*.pc
#   include/tuyau/              their headers, as <tuyau/runtime/...> and <tuyau/net/...>
#   {include/tuyau/third_party,lib/tuyau}/
#                               liburing and llhttp, where they come from the private prefix: the system has none that serve
#   share/doc/                  the licenses
#
# Nothing in there names the folder that it was built in or is installed to: the tree may be moved.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(tuyau_third_party_include "${CMAKE_INSTALL_INCLUDEDIR}/tuyau/third_party")
set(tuyau_third_party_lib "${CMAKE_INSTALL_LIBDIR}/tuyau")
set(tuyau_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tuyau")
set(tuyau_doc_dir "${CMAKE_INSTALL_DATAROOTDIR}/doc")

# An export of its own for each library: who asks for `runtime` needs nothing of what `tls` or `http` needs.
foreach(library IN ITEMS runtime net tls http http_client)
    install(TARGETS tuyau_${library} EXPORT tuyau_${library}
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development
        INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
    install(EXPORT tuyau_${library} FILE tuyau-${library}.cmake NAMESPACE tuyau::
        DESTINATION "${tuyau_config_dir}" COMPONENT development)
endforeach()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/runtime" "${PROJECT_SOURCE_DIR}/net"
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/tuyau" COMPONENT development
    FILES_MATCHING PATTERN "*.hpp")

if(TUYAU_BUILD_APPS)
    install(TARGETS uring-http uring-client RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT programs)
endif()

# Which of the two are to be installed with us.
set(tuyau_bundled "")
foreach(library IN ITEMS liburing llhttp)
    get_target_property(archive ${library}::${library} IMPORTED_LOCATION)
    if(archive)
        cmake_path(IS_PREFIX tuyau_prefix "${archive}" NORMALIZE private)
        if(private)
            list(APPEND tuyau_bundled ${library})
            install(FILES "${archive}" DESTINATION "${tuyau_third_party_lib}" COMPONENT development)
        endif()
    endif()
endforeach()
if("liburing" IN_LIST tuyau_bundled)
    install(FILES "${tuyau_prefix}/include/liburing.h"
        DESTINATION "${tuyau_third_party_include}" COMPONENT development)
    install(DIRECTORY "${tuyau_prefix}/include/liburing"
        DESTINATION "${tuyau_third_party_include}" COMPONENT development)
    # The one header of Linux that liburing.h includes and Debian 12 does not have.
    install(FILES "${tuyau_prefix}/include/linux/blkdev.h"
        DESTINATION "${tuyau_third_party_include}/linux" COMPONENT development)
endif()
if("llhttp" IN_LIST tuyau_bundled)
    install(FILES "${tuyau_prefix}/include/llhttp.h"
        DESTINATION "${tuyau_third_party_include}" COMPONENT development)
endif()

# find_package
configure_package_config_file(cmake/tuyau-config.cmake.in "${PROJECT_BINARY_DIR}/installed/tuyau-config.cmake"
    INSTALL_DESTINATION "${tuyau_config_dir}"
    PATH_VARS tuyau_third_party_include tuyau_third_party_lib
    NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/installed/tuyau-config-version.cmake"
    COMPATIBILITY SameMinorVersion)
install(FILES
    "${PROJECT_BINARY_DIR}/installed/tuyau-config.cmake"
    "${PROJECT_BINARY_DIR}/installed/tuyau-config-version.cmake"
    DESTINATION "${tuyau_config_dir}" COMPONENT development)

# pkg-config. The libraries are static only, so that what they need to be linked belongs to `Libs`.
file(RELATIVE_PATH tuyau_pc_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" tuyau_pc_to_prefix "${tuyau_pc_to_prefix}")
foreach(library IN ITEMS liburing llhttp)
    set(tuyau_${library}_requires "")
    set(tuyau_${library}_cflags "")
    set(tuyau_${library}_libs "")
    if("${library}" IN_LIST tuyau_bundled)
        string(REGEX REPLACE "^lib" "" name "${library}")
        set(tuyau_${library}_cflags "-isystem \${prefix}/${tuyau_third_party_include}")
        set(tuyau_${library}_libs "\${prefix}/${tuyau_third_party_lib}/lib${name}.a")
    endif()
endforeach()
if(NOT "liburing" IN_LIST tuyau_bundled)
    set(tuyau_liburing_requires "liburing >= 2.5")
endif()
if(NOT "llhttp" IN_LIST tuyau_bundled)
    set(tuyau_llhttp_requires "libllhttp >= 9")
endif()
foreach(library IN ITEMS runtime net tls http http_client)
    string(REPLACE "_" "-" name "${library}")
    configure_file(cmake/tuyau-${name}.pc.in "${PROJECT_BINARY_DIR}/installed/tuyau-${name}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/installed/tuyau-${name}.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
endforeach()

# Each component brings the licenses of all that is linked or compiled into it.
function(tuyau_install_license component package)
    install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" RENAME copyright
        DESTINATION "${tuyau_doc_dir}/${package}" COMPONENT ${component})
    foreach(library IN LISTS ARGN)
        foreach(doc IN ITEMS "${tuyau_prefix}/share/doc" /usr/share/doc)
            if(EXISTS "${doc}/${library}/copyright")
                install(FILES "${doc}/${library}/copyright" RENAME "copyright.${library}"
                    DESTINATION "${tuyau_doc_dir}/${package}" COMPONENT ${component})
                break()
            endif()
        endforeach()
    endforeach()
endfunction()
if(TUYAU_BUILD_APPS)
    tuyau_install_license(programs tuyau liburing-dev libllhttp-dev libfmt-dev libexpected-dev libcli11-dev)
endif()
set(tuyau_bundled_packages libfmt-dev) # as inline functions in libtuyau_http.a
if("liburing" IN_LIST tuyau_bundled)
    list(APPEND tuyau_bundled_packages liburing-dev linux-libc-dev)
endif()
if("llhttp" IN_LIST tuyau_bundled)
    list(APPEND tuyau_bundled_packages libllhttp-dev)
endif()
tuyau_install_license(development libtuyau-dev ${tuyau_bundled_packages})
