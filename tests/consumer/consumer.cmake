# Tests that a foreign project can adopt Tuyau. The project beside this file is no part of our build.

set(consumer_folder "${CMAKE_CURRENT_LIST_DIR}")
string(TOUPPER "${CMAKE_BUILD_TYPE}" consumer_type)

function(tuyau_adopt how name)
    set(test "a foreign project ${name}")
    add_test(NAME "${test}" COMMAND "${consumer_folder}/adopt" ${how}
        "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}" "${CMAKE_CURRENT_BINARY_DIR}/consumer")
    set_tests_properties("${test}" PROPERTIES
        TIMEOUT 900 LABELS build
        ENVIRONMENT "CMAKE=${CMAKE_COMMAND};CPACK=${CMAKE_CPACK_COMMAND};CXX=${CMAKE_CXX_COMPILER};\
CXXFLAGS=${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${consumer_type}};TYPE=${CMAKE_BUILD_TYPE};\
TUYAU_DEPENDENCIES_DIR=${TUYAU_DEPENDENCIES_DIR};DEPENDENCIES=${TUYAU_DEPENDENCIES_DIR}/prefix"
        ${ARGN})
endfunction()

if(TUYAU_INSTALL AND TUYAU_BUILD_APPS)
    tuyau_adopt(install "finds nothing of the build machine in what is installed" FIXTURES_SETUP installed)
    tuyau_adopt(find_package "uses the installed libraries by find_package" FIXTURES_REQUIRED installed)
    find_program(TUYAU_PKG_CONFIG pkg-config)
    if(TUYAU_PKG_CONFIG)
        tuyau_adopt(pkg_config "uses the installed libraries by pkg-config" FIXTURES_REQUIRED installed)
    endif()
    find_program(TUYAU_DPKG_DEB dpkg-deb)
    if(TUYAU_DPKG_DEB)
        tuyau_adopt(package "uses the libraries from the Debian package")
    endif()
endif()
tuyau_adopt(embed "embeds Tuyau as a folder, which leaves nothing behind")
if("liburing" IN_LIST tuyau_bundled AND "llhttp" IN_LIST tuyau_bundled)
    tuyau_adopt(embed_own "embeds Tuyau and brings its own liburing")
endif()
