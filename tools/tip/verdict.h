#pragma once
/* Parts of a verdict as cells: JSON texts, to be freed. */
#include <tip/event.h>

char *verdict_families(const struct tip_verdict *verdict);
char *verdict_reasons(const struct tip_verdict *verdict);
