#include "verdict.h"

#include <jansson.h>

char *verdict_families(const struct tip_verdict *verdict)
{
    json_t *object = json_object();
    char *text;

    for (size_t i = 0; i < verdict->n_families; i++)
        json_object_set_new(object, verdict->families[i].family, json_real(verdict->families[i].share));
    text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    return text;
}

char *verdict_reasons(const struct tip_verdict *verdict)
{
    json_t *list = json_array();
    char *text;

    for (size_t i = 0; i < verdict->n_reasons; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:f}", "source", verdict->reasons[i].source, "weight", verdict->reasons[i].weight));
    text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(list);
    return text;
}
