#pragma once
/*
 * What each route asks, and what it makes of the answers.
 */
struct ask;

enum { API_LIMIT = 100, API_LIMIT_MAX = 1000 }; /* rows of a page */

/** The ask knows its route, rights, uri and value. */
void api_begin(struct ask *ask);

/* ---- for api.c: routes of api_indicator.c ---- */

void api_search(struct ask *ask);
void api_indicator_begin(struct ask *ask);
