#include "core/category.h"

#include <stddef.h>

const char *const bl_category_names[] = {
    [BL_CATEGORY_OTHER] = "other",       [BL_CATEGORY_SPAM] = "spam",         [BL_CATEGORY_SCAN] = "scan",
    [BL_CATEGORY_ATTACK] = "attack",     [BL_CATEGORY_BOTNET] = "botnet",     [BL_CATEGORY_C2] = "c2",
    [BL_CATEGORY_MALWARE] = "malware",   [BL_CATEGORY_PHISHING] = "phishing", [BL_CATEGORY_FRAUD] = "fraud",
    [BL_CATEGORY_HIJACKED] = "hijacked", [BL_CATEGORY_PROXY] = "proxy",       [BL_CATEGORY_DISPOSABLE] = "disposable",
    [BL_CATEGORY_TRACKER] = "tracker",   [BL_CATEGORY_BOGON] = "bogon",       [BL_CATEGORY_COUNT] = NULL,
};
