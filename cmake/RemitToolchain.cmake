# Compiler and linker settings for every target: warnings, hardening, sanitizers, a fast linker and ccache where there are any.

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
                    -Wimplicit-fallthrough -fno-strict-aliasing -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of g++ 12 inside the standard library, in optimised builds.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds -Wno-stringop-overread -Wno-dangling-pointer)
endif()

if(REMIT_SANITIZE)
  add_compile_options(-fsanitize=${REMIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${REMIT_SANITIZE})
else()
  add_compile_options($<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
endif()
if(REMIT_FUZZ)
  # Without it libFuzzer sees no coverage of the rooms, and guesses blindly.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_compile_definitions(OPENSSL_NO_DEPRECATED)
add_link_options(-Wl,-z,relro,-z,now)

find_program(REMIT_CCACHE ccache)
if(REMIT_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${REMIT_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${REMIT_CCACHE})
endif()

find_program(REMIT_MOLD mold)
if(REMIT_MOLD AND NOT REMIT_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()
