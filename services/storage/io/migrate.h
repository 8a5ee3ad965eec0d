#pragma once
/*
 * The schema: roles, migrations with checksums, and whether a database is the one this program is made for.
 */
#include <stdio.h>

#include <tip/cleanup.h>

#include "io/db.h"

/**
 * Brings a database up to this program's schema: roles, schema `tip`, the migrations it lacks (each in a transaction),
 * the site's key. Safe to run twice and by two at once.
 *
 * @param say  gets a line for each thing done; may be NULL
 * @param why  set on failure; STORE_DB_WHY_BYTES
 * @return 0 or STORE_DB_E_*; STORE_DB_E_SCHEMA when a migration was changed after it had been applied, the database
 *         is newer than this program, or a role is missing and the user may not make it
 */
tip_nodiscard int store_migrate(struct store_db *db, FILE *say, char *why);

/** Only the roles, for what brings its own schema. @return as above */
tip_nodiscard int store_roles(struct store_db *db, char *why);

/** 0 if exactly this program's migrations have been applied; else STORE_DB_E_SCHEMA with the difference in `why`. */
tip_nodiscard int store_schema_check(struct store_db *db, char *why);
