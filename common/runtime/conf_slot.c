/*
 * Names and where they lead.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>

#include "conf.h"

static const char *const conf_sections[] = {"tip",       "bus",     "log", "broker", "scheduler",
                                            "blacklist", "storage", "web", "up",     "lab"};

bool conf_section_is_known(const char *section)
{
    for (size_t i = 0; i < sizeof(conf_sections) / sizeof(conf_sections[0]); i++)
        if (strcmp(conf_sections[i], section) == 0)
            return true;
    return false;
}

static bool conf_part_is(const struct conf_part *part, const char *section)
{
    return part->table->section && strcmp(part->table->section, section) == 0;
}

bool conf_section_is_ours(const struct tip_conf *conf, const char *section)
{
    for (size_t i = 0; i < conf->n_parts; i++)
        if (conf_part_is(&conf->parts[i], section))
            return true;
    return false;
}

bool conf_slot_in_part(struct conf_slot *slot, struct conf_part *part, const char *name)
{
    char stem[CONF_NAME_BYTES];
    size_t n = strlen(name);

    *slot = (struct conf_slot){.part = part, .row = opt_find(part->table, name)};
    if (slot->row)
        return true;
    if (n <= 5 || n >= sizeof(stem) || strcmp(name + n - 5, "_file") != 0)
        return false;
    memcpy(stem, name, n - 5);
    stem[n - 5] = '\0';
    slot->row = opt_find(part->table, stem);
    slot->is_secret_file = true;
    return slot->row && (slot->row->flags & TIP_OPT_SECRET);
}

bool conf_slot_find(struct tip_conf *conf, struct conf_slot *slot, const char *section, const char *name)
{
    for (size_t i = 0; i < conf->n_parts; i++)
        if (conf_part_is(&conf->parts[i], section) && conf_slot_in_part(slot, &conf->parts[i], name))
            return true;
    return false;
}

void conf_slot_origin(const struct conf_slot *slot, char *taken)
{
    char **at = &slot->part->origins[slot->row - slot->part->table->rows];

    free(*at);
    *at = taken;
}

/* --- names that nobody knows --- */

/* Names seen so far, and the one nearest to what was written. */
struct conf_guess {
    const char *written;
    const char *best;
    unsigned distance;
};

static void conf_guess_start(struct conf_guess *guess, const char *written)
{
    unsigned n = (unsigned)strnlen(written, CONF_NAME_BYTES);

    *guess = (struct conf_guess){.written = written, .distance = n / 3 + 2};
}

static void conf_guess_try(struct conf_guess *guess, const char *name)
{
    unsigned distance;

    if (guess->distance == 0)
        return;
    distance = opt_distance(guess->written, name, guess->distance - 1);
    if (distance < guess->distance) {
        guess->distance = distance;
        guess->best = name;
    }
}

static void conf_guess_table(struct conf_guess *guess, const struct tip_opt_table *table)
{
    for (size_t i = 0; i < table->n_rows; i++)
        if (table->rows[i].type != TIP_OPT_AT)
            conf_guess_try(guess, table->rows[i].name);
}

static void conf_guess_tell(struct tip_conf *conf, const struct conf_guess *guess, const char *where, const char *what)
{
    if (guess->best)
        conf_error(conf, where, "%s '%.64s' is not known; did you mean '%s'?", what, guess->written, guess->best);
    else
        conf_error(conf, where, "%s '%.64s' is not known", what, guess->written);
}

void conf_unknown_option(struct tip_conf *conf, const char *section, const char *name, const char *where)
{
    struct conf_guess guess;

    conf_guess_start(&guess, name);
    for (size_t i = 0; i < conf->n_parts; i++)
        if (conf_part_is(&conf->parts[i], section))
            conf_guess_table(&guess, conf->parts[i].table);
    conf_guess_tell(conf, &guess, where, "option");
}

void conf_unknown_in_part(struct tip_conf *conf, const struct conf_part *part, const char *name, const char *where)
{
    struct conf_guess guess;

    conf_guess_start(&guess, name);
    conf_guess_table(&guess, part->table);
    conf_guess_tell(conf, &guess, where, "option");
}

void conf_unknown_section(struct tip_conf *conf, const char *section, const char *where)
{
    struct conf_guess guess;

    conf_guess_start(&guess, section);
    for (size_t i = 0; i < sizeof(conf_sections) / sizeof(conf_sections[0]); i++)
        conf_guess_try(&guess, conf_sections[i]);
    conf_guess_tell(conf, &guess, where, "section");
}

void conf_unknown_arg(struct tip_conf *conf, const char *name, const char *where)
{
    const char *dot = strchr(name, '.');
    struct conf_guess guess;

    conf_guess_start(&guess, dot ? dot + 1 : name);
    for (size_t i = 0; i < conf->n_parts; i++)
        conf_guess_table(&guess, conf->parts[i].table);
    conf_guess_tell(conf, &guess, where, "option");
}

/* --- secrets and files --- */

int conf_read(const char *path, size_t bytes_max, struct tip_buf *out)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    ssize_t n;
    int r;

    if (fd == -1 || fstat(fd, &st) == -1)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    tip_buf_init(out, bytes_max + 1);
    do {
        r = tip_buf_reserve(out, out->len + 4096 <= out->cap ? 4096 : out->cap - out->len);
        if (r)
            return r;
        n = read(fd, out->data + out->len, out->room - out->len);
        if (n == -1)
            return -errno;
        out->len += (size_t)n;
        out->data[out->len] = 0;
    } while (n > 0 && out->len <= bytes_max);
    return out->len > bytes_max ? -EFBIG : 0;
}

static void conf_set_secret(struct tip_conf *conf, const struct conf_slot *slot, const char *path, const char *where)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes = {0};
    char why[OPT_WHY_BYTES];
    int r;

    r = conf_read(path, CONF_SECRET_BYTES_MAX, &bytes);
    if (r) {
        conf_error(conf, where, "%s_file: %s: %s", slot->row->name, path, strerror(-r));
        return;
    }
    while (bytes.len && (bytes.data[bytes.len - 1] == '\n' || bytes.data[bytes.len - 1] == '\r'))
        bytes.data[--bytes.len] = 0;
    if (opt_value_set(slot->row, slot->part->options, &(struct opt_text){.text = tip_buf_text(&bytes)}, why))
        conf_error(conf, where, "%s_file: the content of %s %s", slot->row->name, path, why);
}

/* A text from anywhere into its slot. `dir` is where relative paths start. */
void conf_set_text(struct tip_conf *conf, const struct conf_slot *slot, const struct opt_text *text, const char *where)
{
    char why[OPT_WHY_BYTES];
    char *path;

    if (slot->is_secret_file) {
        if (asprintf(&path, "%s%s%s", text->dir && text->text[0] != '/' ? text->dir : "",
                     text->dir && text->text[0] != '/' ? "/" : "", text->text) == -1)
            abort();
        conf_set_secret(conf, slot, path, where);
        free(path);
        return;
    }
    if (opt_value_set(slot->row, slot->part->options, text, why))
        conf_error(conf, where, "%s %s", slot->row->name, why);
}
