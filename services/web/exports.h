#pragma once
/*
 * Exports: files that tip-blacklist writes, page by page over the bus, whole and checked before a byte is sent. Nothing
 * of them is kept here; what a reader has already is known by its digest, and is not read again.
 */
struct ask;
struct ask_export;

/** GET /export/VIEW and /export/VIEW/FILE. Whoever asks; the view says whether a token is wanted. */
void exports_get(struct ask *ask);

/** GET /api/v1/exports: the views that this audience may see. */
void exports_list(struct ask *ask);

void exports_free(struct ask *ask);
