#include "verdict.h"

#include <jansson.h>

#include <tip/alloc.h>
#include <tip/buf.h>

enum { VERDICT_TEXT_BYTES = 4096 };

/* ---- for people: "drop 0.60, trap 0.55" ---- */

static void verdict_say(struct tip_buf *text, const char *name, double value)
{
    (void)!tip_buf_append_format(text, "%s%s %.2f", text->len ? ", " : "", name, value); /* cut at its cap */
}

static char *verdict_said(struct tip_buf *text)
{
    char *said = tip_strdup(tip_buf_text(text));

    tip_buf_deinit(text);
    return said;
}

static char *verdict_say_families(const struct tip_verdict *verdict)
{
    struct tip_buf text;

    tip_buf_init(&text, VERDICT_TEXT_BYTES);
    for (size_t i = 0; i < verdict->n_families; i++)
        verdict_say(&text, verdict->families[i].family, verdict->families[i].share);
    return verdict_said(&text);
}

static char *verdict_say_reasons(const struct tip_verdict *verdict)
{
    struct tip_buf text;

    tip_buf_init(&text, VERDICT_TEXT_BYTES);
    for (size_t i = 0; i < verdict->n_reasons; i++)
        verdict_say(&text, verdict->reasons[i].source, verdict->reasons[i].weight);
    if (verdict->reason_count > verdict->n_reasons)
        (void)!tip_buf_append_format(&text, " and %zu more", verdict->reason_count - verdict->n_reasons);
    return verdict_said(&text);
}

/* ---- for programs ---- */

static char *verdict_text(json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(6));

    json_decref(value);
    return text;
}

char *verdict_families(const struct tip_verdict *verdict, enum out_mode mode)
{
    json_t *object;

    if (mode == OUT_HUMAN)
        return verdict_say_families(verdict);
    object = json_object();
    for (size_t i = 0; i < verdict->n_families; i++)
        json_object_set_new(object, verdict->families[i].family, json_real(verdict->families[i].share));
    return verdict_text(object);
}

char *verdict_reasons(const struct tip_verdict *verdict, enum out_mode mode)
{
    json_t *list;

    if (mode == OUT_HUMAN)
        return verdict_say_reasons(verdict);
    list = json_array();
    for (size_t i = 0; i < verdict->n_reasons; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:f}", "source", verdict->reasons[i].source, "weight", verdict->reasons[i].weight));
    return verdict_text(list);
}
