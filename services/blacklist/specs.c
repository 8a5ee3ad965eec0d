/* All sources: the files of the directories. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "options.h"
#include "spec_file.h"

static int specs_filter(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n > 5 && entry->d_name[0] != '.' && !strcmp(entry->d_name + n - 5, ".yaml");
}

static int specs_compare(const void *a, const void *b)
{
    return strcmp(((const struct bl_spec *)a)->name, ((const struct bl_spec *)b)->name);
}

/* A file of one's own goes before one of the pack. */
static bool specs_knows(const struct bl_specs *specs, const char *file)
{
    size_t n = strlen(file) - strlen(".yaml");

    for (size_t i = 0; i < specs->n; i++) {
        if (strlen(specs->items[i].name) == n && !memcmp(specs->items[i].name, file, n))
            return true;
    }
    return false;
}

static int specs_load_one(struct bl_specs *specs, const struct spec_place *place, const char *file,
                          struct tip_conf *conf)
{
    struct bl_spec *spec = &specs->items[specs->n];
    int r = spec_read(spec, place, file, conf);

    specs->n += *spec->name != '\0';
    return r;
}

static int specs_load_dir(struct bl_specs *specs, const struct spec_place *place, struct tip_conf *conf)
{
    struct dirent **files = NULL;
    int n = place->dir ? scandir(place->dir, &files, specs_filter, alphasort) : 0;
    int r = 0;

    if (n == -1 || specs->n + (size_t)n > BL_SOURCES_MAX) {
        tip_conf_refuse(conf, place->option, "%s: %s", place->dir,
                        n == -1 ? strerror(errno) : "more than 2000 sources");
        r = TIP_CONF_E_INVALID;
    }
    for (int i = 0; i < n; i++) {
        if (specs->n < BL_SOURCES_MAX && !specs_knows(specs, files[i]->d_name) &&
            specs_load_one(specs, place, files[i]->d_name, conf))
            r = TIP_CONF_E_INVALID;
        free(files[i]);
    }
    free(files);
    return r;
}

int bl_specs_load(struct bl_specs *specs, const struct bl_options *options, struct tip_conf *conf)
{
    const struct spec_place own = {options, options->sources, false, "blacklist.sources"};
    const struct spec_place pack = {options, options->public_sources, true, "blacklist.public_sources"};
    int r;

    *specs = (struct bl_specs){.items = tip_new_array(BL_SOURCES_MAX, struct bl_spec)};
    r = specs_load_dir(specs, &own, conf);
    r = specs_load_dir(specs, &pack, conf) || r ? TIP_CONF_E_INVALID : 0;
    specs->items = tip_realloc(specs->items, specs->n ? specs->n : 1, sizeof(*specs->items));
    qsort(specs->items, specs->n, sizeof(*specs->items), specs_compare);
    return r;
}

static void spec_free(struct bl_spec *spec)
{
    for (size_t i = 0; i < spec->n_derived_from; i++)
        free(spec->derived_from[i]);
    free(spec->derived_from);
    for (size_t i = 0; i < spec->n_expect; i++)
        free(spec->expect[i]);
    free(spec->expect);
    free(spec->sample);
    free(spec->attribution);
    free(spec->licence);
    free(spec->terms);
    free(spec->auth_header);
    free(spec->url);
}

void bl_specs_deinit(struct bl_specs *specs)
{
    for (size_t i = 0; i < specs->n; i++)
        spec_free(&specs->items[i]);
    free(specs->items);
    *specs = (struct bl_specs){0};
}

const struct bl_spec *bl_specs_find(const struct bl_specs *specs, const char *name)
{
    for (size_t i = 0; i < specs->n; i++) {
        if (!strcmp(specs->items[i].name, name))
            return &specs->items[i];
    }
    return NULL;
}
