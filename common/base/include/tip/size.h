#pragma once
/*
 * Sizes as text: `64MiB`, `8 GiB`, `100KB`, `4096`.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#define TIP_SIZE_TEXT 24

/**
 * Bytes of a size: decimal digits, at most one blank, then nothing, B, KB MB GB TB (powers of 1000) or KiB MiB GiB TiB
 * (powers of 1024).
 *
 * @return 0, -EINVAL for another form, -ERANGE when 64 bits do not hold it
 */
tip_nodiscard int tip_size_parse(uint64_t *bytesp, const char *text, size_t len);

/** The shortest exact form that tip_size_parse reads back: `64MiB`, `100KB`, `4097`. Returns its length. */
size_t tip_size_format(uint64_t bytes, char text[static TIP_SIZE_TEXT]);
