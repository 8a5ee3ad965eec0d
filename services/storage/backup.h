#pragma once
/*
 * `tip-storage dump` and `tip-storage load`: the database as one stream, for `tip backup` and `tip restore`. Both begin
 * with a line of text, behind which stand the bytes of pg_dump's custom format:
 *
 *     tip-dump 1 schema=10 journal=01890a5d-… next_seq=4711          the moment of the dump; journal=- for none yet
 *     tip-load 1 schema=10 journal=01890a5d-… renamed=… replace=0 dry_run=0
 */
#include "options.h"

/** Writes to standard output. The line comes before anything else is read, so a caller can act on that moment. */
int store_dump(const struct store_options *options);

/**
 * Reads from standard input: takes the place of the schema that is there (only with replace=1; it comes back when the
 * load fails), brings it up to this program's migrations, gives the journal its new id, and lets storage ask all owners
 * for their state. With dry_run=1 nothing stands behind the line, and nothing is changed.
 *
 * @return 0, or 1 with the reason on stderr
 */
int store_load(const struct store_options *options);
