#include "io/source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "batch.h"
#include "codec.h"
#include "core/binary.h"

enum { SOURCE_NAMES_BYTES = 16 << 20 };

static const char source_sql_make[] = "insert into tip.source (name) select distinct u.name "
                                      "from pg_catalog.unnest($1::text[]) as u(name) "
                                      "where not exists (select from tip.source as s where s.name = u.name) "
                                      "order by u.name";

static const char source_sql_load[] =
    "select name, id, stream, version, exact, updating_to, updating_part, updating_parts, baseline_id, "
    "baseline_stream, "
    "baseline_version, baseline_part, baseline_parts, mark, closed_baseline_id, needs_baseline_since is not null, tlp "
    "from tip.source where name = any($1::text[])";

static const char source_sql_save[] =
    "update tip.source set stream = $2::uuid, version = $3::bigint, exact = $4::boolean, updating_to = $5::bigint, "
    "updating_part = $6::integer, updating_parts = $7::integer, baseline_id = $8::uuid, baseline_stream = $9::uuid, "
    "baseline_version = $10::bigint, baseline_part = $11::integer, baseline_parts = $12::integer, mark = $13::integer, "
    "closed_baseline_id = $14::uuid, progress_at = now(), orphan_since = null, "
    "needs_baseline_since = case when $15::boolean then coalesce(needs_baseline_since, now()) end, "
    "needs_baseline_reason = case when $15::boolean then coalesce(needs_baseline_reason, $16) end "
    "where id = $1::integer";

/*
 * $3 ok: only then do the counts speak of the current version. A fetch has worked then, unless it was the end: $4.
 * $18: the lines are those of a body that was read, accepted or not. $19: the rejects are known; a source that was not
 * modified does not repeat them.
 */
static const char source_sql_state[] =
    "update tip.source set state = $2, reason = $4, detail = $5, url = $6, weight = $7::double precision, "
    "n_failures = $8::integer, next_at = $9::timestamptz, updated_at = $10::timestamptz, "
    "last_ok_at = case when $3::boolean and $4::text <> 'retired' then $10::timestamptz else last_ok_at end, "
    "last_failed_at = case when $3::boolean then last_failed_at else $10::timestamptz end, "
    "n_entries = case when $3::boolean then $11::bigint else n_entries end, "
    "n_lines = case when $18::boolean then $12::bigint else n_lines end, "
    "n_rejected = case when $18::boolean then $13::bigint else n_rejected end, "
    "n_special = case when $3::boolean then $14::bigint else n_special end, "
    "n_bytes = case when $3::boolean then $15::bigint else n_bytes end, "
    "rejected = case when $19::boolean then $16::jsonb else rejected end, "
    "reject_sample = case when $19::boolean then $17::jsonb else reject_sample end "
    "where id = $1::integer";

static const char source_sql_history[] =
    "insert into tip.source_history (source_id, stream, version, at, reason, n_entries, n_added, n_removed, n_changed, "
    "n_lines, n_rejected, n_bytes, tlp) values ($1::integer, $2::uuid, $3::bigint, $4::timestamptz, $5, $6::bigint, "
    "$7::bigint, $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::bigint, $13::smallint) "
    "on conflict (source_id, stream, version) do nothing";

static const char source_sql_tlp[] = "update tip.source set tlp = $2::smallint where id = $1::integer";

static const char source_sql_weight[] = "update tip.source set weight = $2::double precision where id = $1::integer";

/* Told twice: the same event again. */
static const char source_sql_weighed[] =
    "insert into tip.source_weight (source_id, at, reason, fixed, measured_at, half_life_ms, counts, tlp, weight, "
    "before, measured, trust, independence, lead, freshness, law_half_life_ms, law_basis, law_append) values "
    "($1::integer, $2::timestamptz, $3, $4::boolean, "
    "$5::timestamptz, $6::bigint, $7::jsonb - 'overlaps', $8::smallint, $9::double precision, $10::double precision, "
    "$11::double precision, $12::double precision, $13::double precision, $14::double precision, "
    "$15::double precision, $16::bigint, $17, $18::boolean) on conflict (source_id, at) do nothing";

/* Told again with the same count: perhaps fewer may be named by now. A source that was not counted tells none. */
static const char source_sql_overlaps[] =
    "insert into tip.source_overlap as o (source_id, tlp, at, n_scored, n_pairs, pairs) "
    "select $1::integer, $3::smallint, (e.told ->> 'overlaps_at')::timestamptz, "
    "(e.told ->> 'overlaps_scored')::double precision, (e.told ->> 'overlap_count')::integer, e.told -> 'overlaps' "
    "from (select $2::jsonb) as e(told) where e.told ->> 'overlaps_at' is not null "
    "on conflict (source_id, tlp) do update set at = excluded.at, n_scored = excluded.n_scored, "
    "n_pairs = excluded.n_pairs, pairs = excluded.pairs where o.at <= excluded.at";

enum { SOURCE_REAL = 32 };

void store_sources_deinit(struct store_sources *sources)
{
    struct store_source *source, *next;

    tip_hash_each (sources->table, source, next) {
        tip_hash_remove(sources->table, source);
        free(source);
    }
}

void store_sources_want(struct store_sources *sources, const char *name)
{
    struct store_source *source;

    tip_hash_find_text(sources->table, name, source);
    if (source)
        return;
    source = tip_new(struct store_source);
    snprintf(source->name, sizeof(source->name), "%s", name);
    tip_hash_add_text(sources->table, name, source);
}

struct store_source *store_sources_get(const struct store_sources *sources, const char *name)
{
    struct store_source *source;

    tip_hash_find_text(sources->table, name, source);
    assert(source);
    return source;
}

static struct tip_uuid source_field_uuid(const PGresult *result, int row, int column)
{
    const char *text = store_field_text(result, row, column);
    struct tip_uuid uuid = {{0}};

    if (text && tip_uuid_parse(&uuid, text, strlen(text)))
        return (struct tip_uuid){{0}};
    return uuid;
}

static void source_read(struct store_source *source, const PGresult *result, int row)
{
    source->id = (uint32_t)store_field_int(result, row, 1);
    source->tlp = source->tlp_stored = (int16_t)store_field_int(result, row, 16);
    source->chain = (struct store_chain){
        .stream = source_field_uuid(result, row, 2),
        .version = (uint64_t)store_field_int(result, row, 3),
        .exact = store_field_bool(result, row, 4),
        .updating_to = (uint64_t)store_field_int(result, row, 5),
        .updating_part = (uint32_t)store_field_int(result, row, 6),
        .updating_parts = (uint32_t)store_field_int(result, row, 7),
        .baseline_id = source_field_uuid(result, row, 8),
        .baseline_stream = source_field_uuid(result, row, 9),
        .baseline_version = (uint64_t)store_field_int(result, row, 10),
        .baseline_part = (uint32_t)store_field_int(result, row, 11),
        .baseline_parts = (uint32_t)store_field_int(result, row, 12),
        .mark = (uint32_t)store_field_int(result, row, 13),
        .closed_id = source_field_uuid(result, row, 14),
        .needs_baseline = store_field_bool(result, row, 15),
    };
}

static int sources_load(struct store_db *db, struct store_sources *sources, const struct store_out *names)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    struct store_args args = {.n = 0};
    int r;

    store_arg_buf(&args, &names->buf);
    r = store_db_run(db, source_sql_make, &args, NULL);
    if (!r)
        r = store_db_run(db, source_sql_load, &args, &result);
    for (int i = 0; !r && i < PQntuples(result); i++)
        source_read(store_sources_get(sources, PQgetvalue(result, i, 0)), result, i);
    return r;
}

int store_sources_load(struct store_db *db, struct store_sources *sources)
{
    tip_auto(store_out_deinit) struct store_out names;
    struct store_source *source, *next;

    store_out_init(&names, SOURCE_NAMES_BYTES);
    if (!sources->table)
        return 0;
    store_array_begin(&names, STORE_OID_TEXT);
    tip_hash_each (sources->table, source, next)
        store_put_text(&names, source->name);
    store_array_end(&names);
    assert(!names.error); /* a batch has no room for that many */
    return sources_load(db, sources, &names);
}

/* A uuid argument; a zero one is null. */
static void source_arg_uuid(struct store_args *args, const struct tip_uuid *uuid, char text[static TIP_UUID_TEXT])
{
    static const struct tip_uuid none;

    tip_uuid_format(uuid, text);
    store_arg_text(args, tip_uuid_compare(uuid, &none) ? text : NULL);
}

static void source_arg_bool(struct store_args *args, bool value)
{
    store_arg_text(args, value ? "true" : "false");
}

static int source_save(struct store_db *db, const struct store_source *source)
{
    const struct store_chain *chain = &source->chain;
    struct store_args args = {.n = 0};
    char stream[TIP_UUID_TEXT], id[TIP_UUID_TEXT], baseline_stream[TIP_UUID_TEXT], closed[TIP_UUID_TEXT];

    store_arg_int(&args, source->id);
    source_arg_uuid(&args, &chain->stream, stream);
    store_arg_int(&args, (int64_t)chain->version);
    source_arg_bool(&args, chain->exact);
    store_arg_int(&args, (int64_t)chain->updating_to);
    store_arg_int(&args, chain->updating_part);
    store_arg_int(&args, chain->updating_parts);
    source_arg_uuid(&args, &chain->baseline_id, id);
    source_arg_uuid(&args, &chain->baseline_stream, baseline_stream);
    store_arg_int(&args, (int64_t)chain->baseline_version);
    store_arg_int(&args, chain->baseline_part);
    store_arg_int(&args, chain->baseline_parts);
    store_arg_int(&args, chain->mark);
    source_arg_uuid(&args, &chain->closed_id, closed);
    source_arg_bool(&args, chain->needs_baseline);
    store_arg_text(&args, source->break_reason);
    return store_db_run(db, source_sql_save, &args, NULL);
}

static int source_save_tlp(struct store_db *db, const struct store_source *source)
{
    struct store_args args = {.n = 0};

    store_arg_int(&args, source->id);
    store_arg_int(&args, source->tlp);
    return store_db_run(db, source_sql_tlp, &args, NULL);
}

int store_sources_save(struct store_db *db, const struct store_sources *sources)
{
    struct store_source *source, *next;
    int r = 0;

    tip_hash_each (sources->table, source, next) {
        if (!r && source->chain_moved)
            r = source_save(db, source);
        if (!r && source->tlp != source->tlp_stored)
            r = source_save_tlp(db, source);
    }
    return r;
}

/* ---- what a collector says ---- */

static int64_t source_count(uint64_t n)
{
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* A timestamptz argument of Unix milliseconds; 0 is null. */
static void source_arg_time(struct store_args *args, int64_t unix_ms, struct store_out *out)
{
    store_out_clear(out);
    store_put_time_ms(out, unix_ms);
    if (out->buf.len > 4)
        store_arg_binary(args, out->buf.data + 4, out->buf.len - 4);
    else
        store_arg_text(args, NULL);
}

static int source_history(struct store_db *db, const struct store_source *source, const struct tip_source_state *state,
                          int64_t unix_ms)
{
    tip_auto(store_out_deinit) struct store_out at;
    struct tip_uuid stream = store_uuid(&state->stream);
    struct store_args args = {.n = 0};
    char text[TIP_UUID_TEXT];

    store_out_init(&at, 64);
    if (tip_id_is_zero(&state->stream) || !state->version || state->version > INT64_MAX)
        return 0;
    store_arg_int(&args, source->id);
    source_arg_uuid(&args, &stream, text);
    store_arg_int(&args, (int64_t)state->version);
    source_arg_time(&args, unix_ms, &at);
    store_arg_text(&args, state->reason);
    store_arg_int(&args, source_count(state->n_entries));
    store_arg_int(&args, source_count(state->n_added));
    store_arg_int(&args, source_count(state->n_removed));
    store_arg_int(&args, source_count(state->n_changed));
    store_arg_int(&args, source_count(state->n_lines));
    store_arg_int(&args, source_count(state->n_rejected));
    store_arg_int(&args, source_count(state->n_bytes));
    store_arg_int(&args, source->tlp);
    return store_db_run(db, source_sql_history, &args, NULL);
}

static const char *source_state_name(enum tip_event_kind kind)
{
    return kind == TIP_EVENT_SOURCE_OK ? "ok" : kind == TIP_EVENT_SOURCE_HELD ? "held" : "failed";
}

int store_source_state(struct store_db *db, const struct store_source *source, const struct tip_event *event,
                       int64_t unix_ms)
{
    const struct tip_source_state *state = &event->source_state;
    tip_auto(tip_free) char *counts = store_codec_reject_counts(state);
    tip_auto(tip_free) char *sample = store_codec_reject_sample(state);
    tip_auto(store_out_deinit) struct store_out next_at, at;
    bool ok = event->kind == TIP_EVENT_SOURCE_OK;
    bool read = ok || state->n_lines > 0;
    struct store_args args = {.n = 0};
    char weight[32];
    int r;

    store_out_init(&next_at, 64);
    store_out_init(&at, 64);
    snprintf(weight, sizeof(weight), "%.9g", state->weight);
    store_arg_int(&args, source->id);
    store_arg_text(&args, source_state_name(event->kind));
    source_arg_bool(&args, ok);
    store_arg_text(&args, state->reason);
    store_arg_text(&args, state->detail);
    store_arg_text(&args, state->url);
    store_arg_text(&args, weight);
    store_arg_int(&args, state->n_failures > INT32_MAX ? INT32_MAX : state->n_failures);
    source_arg_time(&args, state->next_unix_ms, &next_at);
    source_arg_time(&args, unix_ms, &at);
    store_arg_int(&args, source_count(state->n_entries));
    store_arg_int(&args, source_count(state->n_lines));
    store_arg_int(&args, source_count(state->n_rejected));
    store_arg_int(&args, source_count(state->n_special));
    store_arg_int(&args, source_count(state->n_bytes));
    store_arg_text(&args, counts);
    store_arg_text(&args, sample);
    source_arg_bool(&args, read);
    source_arg_bool(&args, state->n_counts > 0 || (read && state->n_rejected == 0));
    r = store_db_run(db, source_sql_state, &args, NULL);
    return r || !ok ? r : source_history(db, source, state, unix_ms);
}

/* A double as it is, to the last bit. */
static void source_arg_real(struct store_args *args, double value, char text[static SOURCE_REAL])
{
    snprintf(text, SOURCE_REAL, "%.17g", value);
    store_arg_text(args, text);
}

/* How fast what it says fades from then on; nothing of what an older build told. */
static void source_arg_law(struct store_args *args, const struct tip_source_weight *told)
{
    if (!*told->law_basis) {
        for (int i = 0; i < 3; i++)
            store_arg_text(args, NULL);
        return;
    }
    store_arg_int(args, source_count(told->law_half_life_ms));
    store_arg_text(args, told->law_basis);
    source_arg_bool(args, told->law_append);
}

static int source_weight_history(struct store_db *db, const struct store_source *source, const struct tip_event *event,
                                 const char *counts, int16_t tlp, int64_t unix_ms)
{
    const struct tip_source_weight *told = &event->source_weight;
    const double reals[] = {told->weight,       told->before, told->measured, told->trust,
                            told->independence, told->lead,   told->freshness};
    tip_auto(store_out_deinit) struct store_out at, measured_at;
    char text[sizeof(reals) / sizeof(*reals)][SOURCE_REAL];
    struct store_args args = {.n = 0};

    store_out_init(&at, 64);
    store_out_init(&measured_at, 64);
    store_arg_int(&args, source->id);
    source_arg_time(&args, unix_ms, &at);
    store_arg_text(&args, told->reason);
    source_arg_bool(&args, told->fixed);
    source_arg_time(&args, told->measured_unix_ms, &measured_at);
    store_arg_int(&args, source_count(told->half_life_ms));
    store_arg_text(&args, counts);
    store_arg_int(&args, tlp);
    for (size_t i = 0; i < sizeof(reals) / sizeof(*reals); i++)
        source_arg_real(&args, reals[i], text[i]);
    source_arg_law(&args, told);
    return store_db_run(db, source_sql_weighed, &args, NULL);
}

static int source_overlaps(struct store_db *db, const struct store_source *source, const char *counts, int16_t tlp)
{
    struct store_args args = {.n = 0};

    store_arg_int(&args, source->id);
    store_arg_text(&args, counts);
    store_arg_int(&args, tlp);
    return store_db_run(db, source_sql_overlaps, &args, NULL);
}

int store_source_weight(struct store_db *db, const struct store_source *source, const struct tip_event *event,
                        int16_t tlp, int64_t unix_ms)
{
    tip_auto(tip_free) char *counts = store_codec_weight(event);
    struct store_args args = {.n = 0};
    char text[SOURCE_REAL];
    int r;

    store_arg_int(&args, source->id);
    source_arg_real(&args, event->source_weight.weight, text);
    r = store_db_run(db, source_sql_weight, &args, NULL);
    r = r ? r : source_weight_history(db, source, event, counts, tlp, unix_ms);
    return r ? r : source_overlaps(db, source, counts, tlp);
}
