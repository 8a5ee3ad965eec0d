#pragma once
/*
 * What each route asks, and what it makes of the answers.
 */
struct ask;

/** The ask knows its route, rights, uri and value. */
void api_begin(struct ask *ask);
