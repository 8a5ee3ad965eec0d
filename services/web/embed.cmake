# openapi.json as an array of bytes: FILE into OUT.
file(READ "${FILE}" bytes HEX)
string(LENGTH "${bytes}" length)
math(EXPR length "${length} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "    \\1\n"
  bytes "${bytes}")
file(WRITE "${OUT}" "#include \"app.h\"\n\nconst char web_openapi[] = {\n${bytes}};\nconst size_t web_openapi_len = ${length};\n")
