#include <tip/overlap.h>

#include <errno.h>
#include <stdlib.h>

#include <tip/alloc.h>

#define O(name) tip_overlap4_##name
#define OVERLAP tip_overlap4
#define RANGES  tip_ranges4
#define RANGE   tip_range4
#define SWEEP   overlap4_sweep
#define HEAD    overlap4_head
#define HELD    overlap4_held
#define VOLUME  tip_ranges4_count
#define ADDR    uint32_t
#define COUNT   uint64_t
#include "overlap_family.h"
#undef O
#undef OVERLAP
#undef RANGES
#undef RANGE
#undef SWEEP
#undef HEAD
#undef HELD
#undef VOLUME
#undef ADDR
#undef COUNT

#define O(name) tip_overlap6_##name
#define OVERLAP tip_overlap6
#define RANGES  tip_ranges6
#define RANGE   tip_range6
#define SWEEP   overlap6_sweep
#define HEAD    overlap6_head
#define HELD    overlap6_held
#define VOLUME  tip_ranges6_count
#define ADDR    tip_u128
#define COUNT   tip_u128
#include "overlap_family.h"
