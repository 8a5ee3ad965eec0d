#include "check.h"
#include "random.h"

#include <errno.h>

#include <tip/overlap.h>

enum { MODEL_CELLS = 512 };

#define M(name) v4_##name
#define T(name) tip_ranges4_##name
#define O(name) tip_overlap4_##name
#define ADDR    uint32_t
#define RANGE   tip_range4
#define RANGES  tip_ranges4
#define BUILD   tip_ranges4_build
#define OVERLAP tip_overlap4
#include "ranges_model.h"

#include "overlap_family.h"
#undef M
#undef T
#undef O
#undef ADDR
#undef RANGE
#undef RANGES
#undef BUILD
#undef OVERLAP

#define M(name) v6_##name
#define T(name) tip_ranges6_##name
#define O(name) tip_overlap6_##name
#define ADDR    tip_u128
#define RANGE   tip_range6
#define RANGES  tip_ranges6
#define BUILD   tip_ranges6_build
#define OVERLAP tip_overlap6
#include "ranges_model.h"

#include "overlap_family.h"

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4_test_random),  cmocka_unit_test(v6_test_random),     cmocka_unit_test(v4_test_example),
        cmocka_unit_test(v6_test_example), cmocka_unit_test(v4_test_everything), cmocka_unit_test(v6_test_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
