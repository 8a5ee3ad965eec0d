#pragma once
/*
 * Parts of a verdict as cells, to be freed: "drop 0.60, trap 0.55" for people; else JSON, which a table shows as such
 * when its config says `nested = VERDICT_NESTED`.
 */
#include <tip/event.h>

#include "output.h"

#define VERDICT_NESTED "families,reasons"

char *verdict_families(const struct tip_verdict *verdict, enum out_mode mode);
char *verdict_reasons(const struct tip_verdict *verdict, enum out_mode mode);
