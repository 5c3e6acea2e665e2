# The programs with their main functions under other names, to be called.
function(program_under_simulation program)
    string(REPLACE "-" "_" name ${program})
    get_target_property(folder ${program} SOURCE_DIR)
    get_target_property(sources ${program} SOURCES)
    get_target_property(definitions ${program} COMPILE_DEFINITIONS)
    get_target_property(libraries ${program} LINK_LIBRARIES)
    list(TRANSFORM sources PREPEND "${folder}/" REGEX "^[^/]")
    add_library(simulated_${name} OBJECT ${sources})
    target_compile_definitions(simulated_${name} PRIVATE main=${name}_main)
    if(definitions)
        target_compile_definitions(simulated_${name} PRIVATE ${definitions})
    endif()
    target_include_directories(simulated_${name} PRIVATE ${folder})
    target_link_libraries(simulated_${name} PRIVATE ${libraries})
endfunction()
program_under_simulation(exercise-4)
program_under_simulation(uring-client)
program_under_simulation(uring-http)

# Programs that are made of choices: those of a seed here, those of a fuzzer elsewhere.
add_library(simulated_programs OBJECT
    programs/actor.cpp
    programs/failing_child.cpp
    programs/program.cpp
    programs/requests.cpp
    programs/slow_reader.cpp
    programs/synchronise.cpp
    programs/talk.cpp
)
target_link_libraries(simulated_programs PUBLIC tuyau::net fmt::fmt tuyau_warnings)

add_executable(simulate
    peer.cpp
    scenario.cpp
    scenarios/answers.cpp
    scenarios/cancels.cpp
    scenarios/chat.cpp
    scenarios/chat_room.cpp
    scenarios/client_session.cpp
    scenarios/conformance.cpp
    scenarios/disk.cpp
    scenarios/handlers.cpp
    scenarios/scripted_response.cpp
    scenarios/uring_client.cpp
    scenarios/uring_client_names.cpp
    scenarios/uring_client_tcp.cpp
    scenarios/loops.cpp
    scenarios/operations.cpp
    scenarios/uring_http.cpp
    scenarios/uring_http_drain.cpp
    scenarios/uring_http_fairness.cpp
    scenarios/uring_http_files.cpp
    scenarios/uring_http_times.cpp
    scenarios/visit.cpp
    scenarios/warm.cpp
    simulate.cpp
)
# uring-client names files to the C library, and closes them there.
foreach(call IN ITEMS close stat access fchmod isatty rename unlink)
    target_link_options(simulate PRIVATE -Wl,--wrap=${call})
endforeach()
target_link_libraries(simulate PRIVATE
    simulated_kernel simulated_programs simulated_exercise_4 simulated_uring_client simulated_uring_http
    http_conformance tuyau::http CLI11::CLI11 fmt::fmt tuyau_warnings
)

add_test(NAME "simulation: a few hundred seeds" COMMAND simulate --count 400)
add_test(NAME "simulation: a seed gives the same run again" COMMAND simulate --first 1000 --count 150 --twice)
add_test(NAME "simulation: seeds that once found something"
         COMMAND simulate --kept ${CMAKE_CURRENT_SOURCE_DIR}/seeds.txt)
set_tests_properties(
    "simulation: a few hundred seeds"
    "simulation: a seed gives the same run again"
    "simulation: seeds that once found something"
    PROPERTIES LABELS simulation TIMEOUT 300
)
