#pragma once
/*
 * Parsing a list: bytes in as they come, a set and a report out.
 *
 *     parse = bl_parse_new(&format);
 *     while (!r && more bytes)
 *         r = bl_parse_feed(parse, bytes, n);
 *     r = r ? r : bl_parse_end(parse);
 *     set = bl_parse_set(parse);
 *
 * What cannot be read is counted with its line and a reason; a name is never resolved. Memory is that of core/build.h
 * plus 1 MiB at most: the rest of a longer line is passed over.
 */
#include <stddef.h>

#include <tip/cleanup.h>

#include "core/format.h"
#include "core/report.h"
#include "core/set.h"

struct bl_parse;

/** The body as a whole is not what was promised: bl_parse_why says how. Nothing of it should be used. */
enum { BL_PARSE_E_BODY = 1 };

/** @param format  copied */
struct bl_parse *bl_parse_new(const struct bl_format *format);
void bl_parse_destroy(struct bl_parse **parsep);

/** @return 0 or BL_PARSE_E_BODY */
tip_nodiscard int bl_parse_feed(struct bl_parse *parse, const char *bytes, size_t n);

/** The body is complete: sorts. @return 0, BL_PARSE_E_BODY, or -ENOMEM */
tip_nodiscard int bl_parse_end(struct bl_parse *parse);

/** One word: "bad_json", "too_many_entries", "no_column", "too_large"; "" while all is well. */
const char *bl_parse_why(const struct bl_parse *parse);

/** After bl_parse_end; both live as long as the parser. */
struct bl_set bl_parse_set(const struct bl_parse *parse);
const struct bl_report *bl_parse_report(const struct bl_parse *parse);
