# lockstitch_fuzz(NAME [RUNS n] SOURCES ... LINK ...): a byte-driven target. SOURCES define LLVMFuzzerTestOneInput;
# tests/fuzz/driver.cc feeds it seeded random inputs, so that no fuzzing engine is needed. Registered with label fuzz.
include_guard(GLOBAL)
function(lockstitch_fuzz name)
  cmake_parse_arguments(ARG "" "RUNS" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_RUNS)
    set(ARG_RUNS 300)
  endif()
  add_executable(${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/driver.cc)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE lockstitch_contract lockstitch_warnings ${ARG_LINK})
  add_test(NAME ${name} COMMAND ${name} --runs ${ARG_RUNS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 600)
endfunction()
