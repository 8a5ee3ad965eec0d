# How everything in the tree is built: one set of flags, one library, program and test helper.
find_package(PkgConfig REQUIRED)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(czmq REQUIRED IMPORTED_TARGET libczmq)
pkg_check_modules(protobuf_c REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(curl REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(libevent REQUIRED IMPORTED_TARGET libevent)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(yaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(yajl REQUIRED IMPORTED_TARGET yajl)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(libpsl REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(libidn2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(lmdb REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(zlib REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(libcrypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(TIP_FUZZ "build the libFuzzer targets (needs clang)" OFF)
set(TIP_SANITIZE "" CACHE STRING "sanitizers for everything, e.g. address,undefined")

# The language and the hardening; generated code uses this alone.
add_library(tip_language INTERFACE)
target_compile_features(tip_language INTERFACE c_std_17)
target_compile_definitions(tip_language INTERFACE _GNU_SOURCE TIP_VERSION="${PROJECT_VERSION}")
target_compile_options(tip_language INTERFACE -fno-strict-aliasing -fstack-protector-strong)
target_link_options(tip_language INTERFACE -Wl,-z,relro,-z,now)
if(TIP_SANITIZE)
  target_compile_options(tip_language INTERFACE -fsanitize=${TIP_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(tip_language INTERFACE -fsanitize=${TIP_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(tip_language INTERFACE _FORTIFY_SOURCE=2)
endif()
if(TIP_FUZZ)
  target_compile_options(tip_language INTERFACE -fsanitize=fuzzer-no-link)
endif()

# What our own code must also survive.
add_library(tip_strict INTERFACE)
target_link_libraries(tip_strict INTERFACE tip_language)
target_compile_options(tip_strict INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wformat=2 -Wpointer-arith -Wwrite-strings
  -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition)

# tip_library(NAME SOURCES file... LINK target...): a static library whose headers lie in include/ beside it
# or, for a service's core, next to its sources.
function(tip_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;INCLUDE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  if(NOT arg_INCLUDE)
    set(arg_INCLUDE include)
  endif()
  target_include_directories(${name} PUBLIC ${arg_INCLUDE})
  target_link_libraries(${name} PUBLIC ${arg_LINK} PRIVATE tip_strict)
  target_link_libraries(${name} INTERFACE tip_language)
endfunction()

add_custom_target(programs)

# tip_program(NAME SOURCES file... LINK target...): an installed binary in bin/.
function(tip_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_LINK} tip_strict)
  add_dependencies(programs ${name})
  install(TARGETS ${name})
endfunction()

# tip_unit_test(NAME SOURCES file... LINK target...): a cmocka program, label unit.
function(tip_unit_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support)
  target_link_libraries(${name} PRIVATE ${arg_LINK} tip_strict PkgConfig::cmocka)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
  add_test(NAME unit/${name} COMMAND ${name})
  set_tests_properties(unit/${name} PROPERTIES LABELS unit TIMEOUT 60)
  if(TIP_SANITIZE MATCHES "thread")
    set_tests_properties(unit/${name} PROPERTIES TIMEOUT 900
      ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/support/tsan.supp")
  endif()
endfunction()
