#include "exempt_work.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <tip/log.h>

void exempt_work_deinit(struct exempt_work *work)
{
    free(work->warninglists);
    work->warninglists = NULL;
}

static int exempt_take(void *ctx, enum bl_role role, const char *list, const char *text, size_t len)
{
    return bl_exempt_build_add(ctx, role, list, text, len);
}

/* Does the newest table say the same? What cannot be read says nothing. */
static bool exempt_is_same(const struct exempt_work *work, const struct tip_buf *file)
{
    tip_auto(bl_exempt_map_destroy) struct bl_exempt_map *map = NULL;

    return !bl_exempt_map_open(&map, work->dir, work->last) && map->n == file->len &&
           !memcmp(map->at, file->data, file->len);
}

/*
 * A damaged list that was just written may still be: what it says stays in force with all the others, and all is read
 * again soon. After that it counts for nothing, so that it cannot keep the others as they were. Where there is nothing
 * in force what can be read is better than nothing.
 */
static bool exempt_waits(struct exempt_work *work)
{
    const struct bl_warninglists *lists = &work->lists;

    work->is_waiting = lists->n_fresh > 0;
    if (!lists->n_damaged)
        return false;
    if (work->is_waiting && work->last && !work->is_lost) {
        tip_warn("exempt.lists_damaged", "dir=%s files=%zu effect=\"the lists stay as they were for a minute\"",
                 work->warninglists, lists->n_damaged);
        return true;
    }
    tip_error("exempt.lists_damaged", "dir=%s files=%zu effect=\"what they named is not exempt\"", work->warninglists,
              lists->n_damaged);
    return false;
}

static int exempt_make(struct exempt_work *work, struct bl_exempt_build *build, struct tip_buf *file)
{
    int r = 0;

    if (work->warninglists)
        r = bl_warninglists_each(work->warninglists, exempt_take, build, &work->lists);
    if (r || exempt_waits(work))
        return r;
    r = bl_exempt_build_finish(build, file);
    if (r || (!work->last && !build->lists.len) || (work->last && exempt_is_same(work, file)))
        return r;
    work->is_new = true;
    return bl_exempt_keep(work->dir, work->last + 1, file);
}

static int exempt_run(struct exempt_work *work)
{
    tip_auto(bl_exempt_build_deinit) struct bl_exempt_build build;
    tip_auto(tip_buf_deinit) struct tip_buf file;
    uint64_t stamp = work->warninglists ? bl_warninglists_stamp(work->warninglists) : 1;
    bool is_known = work->stamp && work->stamp == stamp;

    bl_exempt_build_init(&build);
    tip_buf_init(&file, BL_EXEMPT_BYTES_MAX);
    work->stamp = stamp;
    return is_known ? 0 : exempt_make(work, &build, &file);
}

void exempt_work_run(void *job)
{
    struct exempt_work *work = job;

    work->error = exempt_run(work);
    (void)malloc_trim(0); /* the lists are large, and the next time is far away */
}
