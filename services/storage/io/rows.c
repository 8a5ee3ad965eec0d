#include "io/rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROWS_COLUMN_BYTES = 64 << 20, /* of one array; 16,384 URLs of 2 KiB are half of it */
    ROWS_COPY_BYTES = 1 << 20,
    ROWS_COPY_PIECE = 256 << 10,
};

static const char event_sql_copy[] = "copy tip.event (commit_time, journal, seq, tlp, topic, kind, publisher, "
                                     "observed_at, bytes) from stdin (format binary)";

static const char reject_sql_put[] =
    "insert into tip.event_reject (journal, seq, commit_time, topic, publisher, reason, bytes) "
    "values ($1::smallint, $2::bigint, to_timestamp($3::double precision), $4, $5, $6, $7)";

/* What comes back to a list leaves the time before behind. */
static const char listing_sql_list[] =
    "with u as ("
    "    select * from unnest($1::bigint[], $2::integer[], $3::smallint[], $4::text[], $5::inet[], $6::integer[], "
    "        $7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::integer[], $12::bytea[], "
    "        $13::smallint[], $14::timestamptz[]) "
    "        as u(ikey, source_id, kind, value, net, flags, first_at, last_at, version, line, mark, raw, tlp, "
    "stated_at)"
    "), past as ("
    "    insert into tip.listing_history as h (ikey, source_id, kind, value, listed_at, removed_at, flags, version, "
    "        line, raw, tlp, confirmed_at, stated_at) "
    "    select l.ikey, l.source_id, l.kind, l.value, l.listed_at, l.removed_at, l.flags, l.version, l.line, l.raw, "
    "        l.tlp, l.confirmed_at, l.stated_at "
    "    from u join tip.listing as l on l.ikey = u.ikey and l.source_id = u.source_id and l.kind = u.kind "
    "        and l.value = u.value "
    "    where not l.listed and l.removed_at is not null "
    "    on conflict (ikey, source_id, kind, value, listed_at) do update set removed_at = excluded.removed_at, "
    "        confirmed_at = excluded.confirmed_at"
    ") "
    "insert into tip.listing as l (ikey, source_id, kind, value, net, flags, listed, first_seen, listed_at, last_seen, "
    "n_times, version, line, mark, raw, tlp, stated_at) "
    "select ikey, source_id, kind, value, net, flags, true, first_at, first_at, last_at, 1, version, line, mark, raw, "
    "tlp, stated_at "
    "from u "
    "on conflict (ikey, source_id, kind, value) do update set "
    "flags = excluded.flags, "
    "listed = true, "
    "listed_at = case when l.listed then l.listed_at else excluded.listed_at end, "
    "last_seen = excluded.last_seen, "
    "removed_at = null, "
    "confirmed_at = null, "
    "n_times = l.n_times + case when l.listed then 0 else 1 end, "
    "version = excluded.version, "
    "line = excluded.line, "
    "mark = excluded.mark, "
    "raw = excluded.raw, "
    "tlp = excluded.tlp, "
    "stated_at = excluded.stated_at";

static const char listing_sql_remove[] =
    "update tip.listing as l set listed = false, removed_at = u.last_at, "
    "confirmed_at = u.confirmed_at, tlp = greatest(l.tlp, u.tlp) "
    "from unnest($1::bigint[], $2::integer[], $3::smallint[], $4::text[], $5::timestamptz[], "
    "$6::smallint[], $7::timestamptz[]) as u(ikey, source_id, kind, value, last_at, tlp, confirmed_at) "
    "where l.ikey = u.ikey and l.source_id = u.source_id and l.kind = u.kind and l.value = u.value and l.listed";

/*
 * Whether `u` says what `h` says, as in core/told.h: JSON arrays that contain each other hold the same names. Within
 * one commit it takes the row anyway: of one commit the last word counts.
 */
#define VERDICT_SQL_SAME                                                                                           \
    "h.from_at is not null and h.tier = u.tier and h.tlp = u.tlp and h.subtree = u.subtree and h.whole = u.whole " \
    "and h.from_at <> u.told_at "                                                                                  \
    "and floor(h.score * 20 + 0.5 + 1e-9) = floor(u.score * 20 + 0.5 + 1e-9) "                                     \
    "and jsonb_path_query_array(h.families, '$.keyvalue().key') "                                                  \
    "    @> jsonb_path_query_array(u.families, '$.keyvalue().key') "                                               \
    "and jsonb_path_query_array(h.families, '$.keyvalue().key') "                                                  \
    "    <@ jsonb_path_query_array(u.families, '$.keyvalue().key') "                                               \
    "and jsonb_path_query_array(h.reasons, '$[*].source') @> jsonb_path_query_array(u.reasons, '$[*].source') "    \
    "and jsonb_path_query_array(h.reasons, '$[*].source') <@ jsonb_path_query_array(u.reasons, '$[*].source') "

/*
 * The history of what is told, after `u`: what held ends unless the same was told again, which only moves its times;
 * what is told now begins, not before what held began or what is over ended (clocks of two journals may differ). A
 * second word within one commit takes the row of the first.
 */
#define VERDICT_SQL_HISTORY                                                                                            \
    ", held_before as ("                                                                                               \
    "    select u.*, h.from_at as open_at, " VERDICT_SQL_SAME "as same, "                                              \
    "        (select max(p.to_at) from tip.verdict_history as p "                                                      \
    "         where p.ikey = u.ikey and p.kind = u.kind and p.value = u.value) as over_at "                            \
    "    from u left join tip.verdict_history as h "                                                                   \
    "        on h.ikey = u.ikey and h.kind = u.kind and h.value = u.value and h.to_at is null"                         \
    "), again as ("                                                                                                    \
    "    update tip.verdict_history as h set next_change_at = b.next_change_at, expires_at = b.expires_at "            \
    "    from held_before as b "                                                                                       \
    "    where h.ikey = b.ikey and h.kind = b.kind and h.value = b.value and h.from_at = b.open_at and b.same "        \
    "        and (h.next_change_at, h.expires_at) is distinct from (b.next_change_at, b.expires_at)"                   \
    "), ended as ("                                                                                                    \
    "    update tip.verdict_history as h set to_at = greatest(b.told_at, h.from_at) "                                  \
    "    from held_before as b "                                                                                       \
    "    where h.ikey = b.ikey and h.kind = b.kind and h.value = b.value and h.from_at = b.open_at and not b.same "    \
    "        and (b.tier = 0 or h.from_at < b.told_at)"                                                                \
    "), begun as ("                                                                                                    \
    "    insert into tip.verdict_history as h (ikey, kind, value, from_at, score, tier, families, reasons, "           \
    "        n_reasons, cause_source, cause_version, next_change_at, expires_at, tlp, subtree, whole) "                \
    "    select ikey, kind, value, greatest(told_at, open_at, over_at), score, tier, families, reasons, "              \
    "        n_reasons, cause_source, cause_version, next_change_at, expires_at, tlp, subtree, whole "                 \
    "    from held_before where tier > 0 and not same "                                                                \
    "    on conflict (ikey, kind, value, from_at) do update set to_at = null, score = excluded.score, "                \
    "        tier = excluded.tier, families = excluded.families, reasons = excluded.reasons, "                         \
    "        n_reasons = excluded.n_reasons, cause_source = excluded.cause_source, "                                   \
    "        cause_version = excluded.cause_version, next_change_at = excluded.next_change_at, "                       \
    "        expires_at = excluded.expires_at, tlp = excluded.tlp, subtree = excluded.subtree, whole = excluded.whole" \
    ") "

/*
 * What a baseline closes was removed in a change that never came, and so was the change of its verdict. Before its
 * parts a baseline tells every verdict in which its list still has a share: these stand. What was told of a version of
 * that number before the stream began does not: an owner that lost its volume counts from 1 again. The others are
 * weighed anew without the list: of the rest the shares that were told, for what was not told the weights of the lists
 * that hold it, other families as they were. As with the owner (core/score.h of the collector) one list alone does not
 * block, unless a configured weight says so; and what leaves makes no score higher.
 */
static const char listing_sql_close[] =
    "with closed as ("
    "    update tip.listing set listed = false, removed_at = $3::timestamptz"
    "    where source_id = $1::integer and listed and mark <> $2::integer"
    "    returning ikey, kind, value"
    "), moved as ("
    "    select v.ikey, v.kind, v.value, v.score, v.families - 'list' as families, v.reasons"
    "    from closed as c"
    "    join tip.verdict as v on v.ikey = c.ikey and v.kind = c.kind and v.value = c.value"
    "    where v.tier > 0 and not v.families ?| array['allow', 'deny']" /* an operator's word, whoever lists it */
    "        and ((v.cause_source, v.cause_version) is distinct from ($4::text, $5::bigint)"
    "            or v.updated_at < $9::timestamptz)"
    "), shares as ("
    "    select m.ikey, m.kind, m.value, r ->> 'source' as name, (r ->> 'weight')::double precision as p,"
    "        not m.families ? (r ->> 'source') as is_list, s.id, s.tlp"
    "    from moved as m"
    "    cross join jsonb_array_elements(m.reasons) as r"
    "    left join tip.source as s on s.name = r ->> 'source'"
    "    where r ->> 'source' <> $4"
    "    union all"
    "    select m.ikey, m.kind, m.value, s.name, s.weight, true, s.id, greatest(l.tlp, s.tlp)"
    "    from moved as m"
    "    join tip.listing as l on l.ikey = m.ikey and l.kind = m.kind and l.value = m.value"
    "    join tip.source as s on s.id = l.source_id"
    "    where l.listed and l.source_id <> $1::integer and l.flags & $6::integer = 0 and s.weight > 0"
    "        and not jsonb_path_query_array(m.reasons, '$[*].source') ? s.name"
    "), ranked as ("
    "    select ikey, kind, value, name, least(p, 0.999999999) as p, is_list, tlp, p >= 0.9 and is_list and ("
    "            select w.fixed and w.weight >= 0.9 from tip.source_weight as w"
    "            where w.source_id = shares.id order by w.at desc limit 1) as is_final,"
    "        row_number() over (partition by ikey, kind, value order by p desc, name) as rank"
    "    from shares"
    "), lists as ("
    "    select ikey, kind, value, count(*) as n_reasons, max(tlp) as tlp, bool_or(is_final) as is_final,"
    "        count(*) filter (where is_list and p >= 0.05) as n_standing,"
    "        1 - exp(sum(ln(1 - p)) filter (where is_list)) as share,"
    "        jsonb_agg(jsonb_build_object('source', name, 'weight', p) order by rank)"
    "            filter (where rank <= 3) as reasons"
    "    from ranked group by ikey, kind, value"
    "), weighed as ("
    "    select m.ikey, m.kind, m.value, m.families, l.n_reasons, l.tlp, l.reasons, coalesce(l.share, 0) as share,"
    "        round(least(m.score, 1 - (1 - coalesce(l.share, 0)) * o.rest, case when coalesce(l.is_final, false)"
    "            or coalesce(l.n_standing, 0) > 1 or o.n_standing + (l.share >= 0.05)::integer > 1"
    "            then 1 else 0.89 end)::numeric, 9)::double precision as score"
    "    from moved as m"
    "    left join lists as l on l.ikey = m.ikey and l.kind = m.kind and l.value = m.value"
    "    cross join lateral ("
    "        select coalesce(exp(sum(ln(1 - least(f.value::double precision, 0.999999999)))), 1) as rest,"
    "            count(*) filter (where f.value::double precision >= 0.05) as n_standing"
    "        from jsonb_each_text(m.families) as f) as o"
    "), weighed_anew as ("
    "    update tip.verdict as v set score = w.score,"
    "        tier = case when w.score >= 0.9 then 3 when w.score >= 0.6 then 2 when w.score >= 0.3 then 1 else 0 end,"
    "        families = w.families || case when w.share > 0 then"
    "            jsonb_build_object('list', round(w.share::numeric, 9)::double precision) else '{}' end,"
    "        reasons = coalesce(w.reasons, '[]'), n_reasons = coalesce(w.n_reasons, 0),"
    "        cause_source = $4, cause_version = $5::bigint,"
    "        next_change_at = case when w.score >= 0.3 then v.next_change_at end,"
    "        expires_at = case when w.score >= 0.3 then v.expires_at end,"
    "        updated_at = $3::timestamptz, tlp = greatest(v.tlp, w.tlp, $7::smallint)"
    "    from weighed as w"
    "    where v.ikey = w.ikey and v.kind = w.kind and v.value = w.value"
    "    returning v.ikey, v.kind, v.value, v.score, v.tier, v.families, v.reasons, v.n_reasons, v.cause_source,"
    "        v.cause_version, v.next_change_at, v.expires_at, v.tlp, v.subtree, v.whole"
    "), u as (select w.*, $8::timestamptz as told_at from weighed_anew as w)" VERDICT_SQL_HISTORY
    "select count(*) from closed";

/*
 * One below `watch` of what has no verdict says nothing: baselines tell all of them. But what is exempt from the
 * beginning says why it has none.
 */
static const char verdict_sql_write[] =
    "insert into tip.verdict as v (ikey, kind, value, net, score, tier, families, reasons, n_reasons, cause_source, "
    "cause_version, next_change_at, expires_at, first_seen, updated_at, tlp, subtree, whole) "
    "select ikey, kind, value, net, score, tier, families::jsonb, reasons::jsonb, n_reasons, cause_source, "
    "cause_version, next_change_at, expires_at, first_seen, updated_at, tlp, subtree, whole "
    "from unnest($1::bigint[], $2::smallint[], $3::text[], $4::inet[], $5::double precision[], $6::smallint[], "
    "$7::text[], $8::text[], $9::integer[], $10::text[], $11::bigint[], $12::timestamptz[], $13::timestamptz[], "
    "$14::timestamptz[], $15::timestamptz[], $16::smallint[], $17::boolean[], $18::boolean[]) as u(ikey, kind, value, "
    "net, score, tier, families, "
    "reasons, n_reasons, "
    "cause_source, cause_version, next_change_at, expires_at, first_seen, updated_at, tlp, subtree, whole) "
    "where u.tier > 0 or u.families::jsonb ? 'allow' or exists (select from tip.verdict as k "
    "where k.ikey = u.ikey and k.kind = u.kind and k.value = u.value) "
    "on conflict (ikey, kind, value) do update set "
    "score = excluded.score, "
    "tier = excluded.tier, "
    "families = excluded.families, "
    "reasons = excluded.reasons, "
    "n_reasons = excluded.n_reasons, "
    "cause_source = excluded.cause_source, "
    "cause_version = excluded.cause_version, "
    "next_change_at = excluded.next_change_at, "
    "expires_at = excluded.expires_at, "
    "updated_at = excluded.updated_at, "
    "tlp = excluded.tlp, "
    "subtree = excluded.subtree, "
    "whole = excluded.whole";

static const char verdict_sql_told[] =
    "with u as ("
    "    select ikey, kind, value, score, tier, families::jsonb as families, reasons::jsonb as reasons, n_reasons, "
    "        cause_source, cause_version, next_change_at, expires_at, tlp, told_at, subtree, whole "
    "    from unnest($1::bigint[], $2::smallint[], $3::text[], $4::double precision[], $5::smallint[], $6::text[], "
    "        $7::text[], $8::integer[], $9::text[], $10::bigint[], $11::timestamptz[], $12::timestamptz[], "
    "        $13::smallint[], $14::timestamptz[], $15::boolean[], $16::boolean[]) "
    "        as u(ikey, kind, value, score, tier, families, reasons, n_reasons, cause_source, cause_version, "
    "        next_change_at, expires_at, tlp, told_at, subtree, whole)"
    ")" VERDICT_SQL_HISTORY "select 1 from held_before limit 1";

void store_rows_init(struct store_rows *rows, struct store_db *db)
{
    *rows = (struct store_rows){.db = db};
    for (size_t i = 0; i < STORE_ROWS_COLUMNS; i++)
        store_out_init(&rows->columns[i], ROWS_COLUMN_BYTES);
    store_out_init(&rows->copy, ROWS_COPY_BYTES);
}

void store_rows_deinit(struct store_rows *rows)
{
    for (size_t i = 0; i < STORE_ROWS_COLUMNS; i++)
        store_out_deinit(&rows->columns[i]);
    store_out_deinit(&rows->copy);
}

/* ---- events ---- */

static int events_send(struct store_rows *rows)
{
    int r = store_db_copy_put(rows->db, rows->copy.buf.data, rows->copy.buf.len);

    store_out_clear(&rows->copy);
    return r;
}

int store_events_begin(struct store_rows *rows)
{
    store_out_clear(&rows->copy);
    store_copy_begin(&rows->copy);
    return store_db_copy_begin(rows->db, event_sql_copy);
}

int store_events_put(struct store_rows *rows, int16_t journal, const struct store_record *record,
                     const struct tip_event *event, int64_t observed_unix_ms)
{
    struct store_out *copy = &rows->copy;

    store_copy_row(copy, 9);
    store_put_time_us(copy, record->commit_unix_us);
    store_put_int2(copy, journal);
    store_put_count(copy, record->seq);
    store_put_int2(copy, record->tlp);
    store_put_text(copy, record->topic);
    store_put_text(copy, event->kind_name);
    store_put_text(copy, record->publisher);
    store_put_time_us(copy, observed_unix_ms * 1000);
    store_put_bytes(copy, record->event, record->event_len);
    assert(!copy->error); /* a piece and the largest event fit */
    return copy->buf.len < ROWS_COPY_PIECE ? 0 : events_send(rows);
}

int store_events_end(struct store_rows *rows)
{
    int r;

    store_copy_end(&rows->copy);
    r = events_send(rows);
    return r ? r : store_db_copy_end(rows->db);
}

int store_reject_put(struct store_rows *rows, int16_t journal, const struct store_record *record, const char *reason)
{
    struct store_args args = {.n = 0};
    char seconds[32];

    snprintf(seconds, sizeof(seconds), "%.6f", (double)record->commit_unix_us / 1e6);
    store_arg_int(&args, journal);
    store_arg_int(&args, (int64_t)record->seq);
    store_arg_text(&args, seconds);
    store_arg_text(&args, record->topic);
    store_arg_text(&args, record->publisher);
    store_arg_text(&args, reason);
    store_arg_binary(&args, record->event, record->event_len);
    return store_db_run(rows->db, reject_sql_put, &args, NULL);
}

/* ---- arrays ---- */

static void rows_begin(struct store_rows *rows, const enum store_oid *types, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_array_begin(&rows->columns[i], types[i]);
}

static int rows_run(struct store_rows *rows, const char *sql, size_t n)
{
    struct store_args args = {.n = 0};

    for (size_t i = 0; i < n; i++) {
        store_array_end(&rows->columns[i]);
        assert(!rows->columns[i].error); /* callers bound their rows */
        store_arg_buf(&args, &rows->columns[i].buf);
    }
    return store_db_run(rows->db, sql, &args, NULL);
}

static void rows_key(struct store_out *column, const struct store_key *key)
{
    store_put_int8(&column[0], (int64_t)key->ikey);
    store_put_int4(&column[1], (int32_t)key->source_id);
    store_put_int2(&column[2], key->kind);
    store_put_bytes(&column[3], key->value, key->value_len);
}

/* ---- listings ---- */

static const enum store_oid listing_types[] = {
    STORE_OID_INT8, STORE_OID_INT4,        STORE_OID_INT2,        STORE_OID_TEXT,        STORE_OID_INET,
    STORE_OID_INT4, STORE_OID_TIMESTAMPTZ, STORE_OID_TIMESTAMPTZ, STORE_OID_INT8,        STORE_OID_INT8,
    STORE_OID_INT4, STORE_OID_BYTEA,       STORE_OID_INT2,        STORE_OID_TIMESTAMPTZ,
};

static int listings_list(struct store_rows *rows, const struct store_listing *listings, size_t n)
{
    struct store_out *column = rows->columns;

    rows_begin(rows, listing_types, 14);
    for (size_t i = 0; i < n; i++) {
        const struct store_listing *listing = &listings[i];

        rows_key(column, &listing->key);
        store_put_inet(&column[4], &listing->key.net);
        store_put_int4(&column[5], (int32_t)listing->flags);
        store_put_time_us(&column[6], listing->first_unix_ms * 1000);
        store_put_time_us(&column[7], listing->last_unix_ms * 1000);
        store_put_count(&column[8], listing->version);
        store_put_count(&column[9], listing->line);
        store_put_int4(&column[10], (int32_t)listing->mark);
        store_put_bytes(&column[11], listing->raw, listing->raw_len);
        store_put_int2(&column[12], listing->tlp);
        store_put_time_ms(&column[13], listing->stated_unix_ms);
    }
    return rows_run(rows, listing_sql_list, 14);
}

static int listings_remove(struct store_rows *rows, const struct store_listing *listings, size_t n)
{
    static const enum store_oid types[] = {STORE_OID_INT8,        STORE_OID_INT4, STORE_OID_INT2,       STORE_OID_TEXT,
                                           STORE_OID_TIMESTAMPTZ, STORE_OID_INT2, STORE_OID_TIMESTAMPTZ};
    struct store_out *column = rows->columns;

    rows_begin(rows, types, 7);
    for (size_t i = 0; i < n; i++) {
        rows_key(column, &listings[i].key);
        store_put_time_us(&column[4], listings[i].last_unix_ms * 1000);
        store_put_int2(&column[5], listings[i].tlp);
        store_put_time_ms(&column[6], listings[i].confirmed_unix_ms);
    }
    return rows_run(rows, listing_sql_remove, 7);
}

int store_listings_write(struct store_rows *rows, const struct store_listing *listings, size_t n)
{
    int r = 0;

    while (!r && n) {
        size_t run = store_listing_run(listings, n);

        r = listings->listed ? listings_list(rows, listings, run) : listings_remove(rows, listings, run);
        listings += run;
        n -= run;
    }
    return r;
}

static void close_arg_time(struct store_args *args, struct store_out *column, int64_t unix_us)
{
    store_out_clear(column);
    store_put_time_us(column, unix_us);
    store_arg_binary(args, column->buf.data + 4, 8); /* behind the length of the field */
}

int store_listings_close(struct store_rows *rows, const struct store_source *source, const struct store_close *close,
                         uint64_t *n_closedp)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    struct store_args args = {.n = 0};
    int r;

    store_arg_int(&args, source->id);
    store_arg_int(&args, source->chain.mark);
    close_arg_time(&args, &rows->columns[0], close->read_unix_ms * 1000);
    store_arg_text(&args, source->name);
    store_arg_int(&args, (int64_t)source->chain.version);
    store_arg_int(&args, TIP_LISTING_NEVER_SCORED);
    store_arg_int(&args, source->tlp);
    close_arg_time(&args, &rows->columns[1], close->told_unix_us);
    close_arg_time(&args, &rows->columns[2], close->stream_unix_us);
    r = store_db_run(rows->db, listing_sql_close, &args, &result);
    if (!r)
        *n_closedp = (uint64_t)store_field_int(result, 0, 0);
    return r;
}

/* ---- verdicts ---- */

static const enum store_oid verdict_types[] = {
    STORE_OID_INT8, STORE_OID_INT2,        STORE_OID_TEXT,        STORE_OID_INET,        STORE_OID_FLOAT8,
    STORE_OID_INT2, STORE_OID_TEXT,        STORE_OID_TEXT,        STORE_OID_INT4,        STORE_OID_TEXT,
    STORE_OID_INT8, STORE_OID_TIMESTAMPTZ, STORE_OID_TIMESTAMPTZ, STORE_OID_TIMESTAMPTZ, STORE_OID_TIMESTAMPTZ,
    STORE_OID_INT2, STORE_OID_BOOL,        STORE_OID_BOOL,
};

int store_verdicts_write(struct store_rows *rows, const struct store_verdict *verdicts, size_t n)
{
    struct store_out *column = rows->columns;

    if (!n)
        return 0;
    rows_begin(rows, verdict_types, 18);
    for (size_t i = 0; i < n; i++) {
        const struct store_verdict *verdict = &verdicts[i];

        store_put_int8(&column[0], (int64_t)verdict->key.ikey);
        store_put_int2(&column[1], verdict->key.kind);
        store_put_bytes(&column[2], verdict->key.value, verdict->key.value_len);
        store_put_inet(&column[3], &verdict->key.net);
        store_put_float8(&column[4], verdict->score);
        store_put_int2(&column[5], verdict->tier);
        store_put_text(&column[6], verdict->families);
        store_put_text(&column[7], verdict->reasons);
        store_put_int4(&column[8], (int32_t)(verdict->n_reasons & INT32_MAX));
        store_put_text(&column[9], verdict->cause_source);
        store_put_count(&column[10], verdict->cause_version);
        store_put_time_ms(&column[11], verdict->next_change_unix_ms);
        store_put_time_ms(&column[12], verdict->expires_unix_ms);
        store_put_time_us(&column[13], verdict->first_unix_ms * 1000);
        store_put_time_us(&column[14], verdict->last_unix_ms * 1000);
        store_put_int2(&column[15], verdict->tlp);
        store_put_bool(&column[16], verdict->subtree);
        store_put_bool(&column[17], verdict->whole);
    }
    return rows_run(rows, verdict_sql_write, 18);
}

/* ---- the history of verdicts ---- */

static const enum store_oid told_types[] = {
    STORE_OID_INT8, STORE_OID_INT2,        STORE_OID_TEXT,        STORE_OID_FLOAT8,
    STORE_OID_INT2, STORE_OID_TEXT,        STORE_OID_TEXT,        STORE_OID_INT4,
    STORE_OID_TEXT, STORE_OID_INT8,        STORE_OID_TIMESTAMPTZ, STORE_OID_TIMESTAMPTZ,
    STORE_OID_INT2, STORE_OID_TIMESTAMPTZ, STORE_OID_BOOL,        STORE_OID_BOOL,
};

static int told_write(struct store_rows *rows, const struct store_told *told, size_t n)
{
    struct store_out *column = rows->columns;

    rows_begin(rows, told_types, 16);
    for (size_t i = 0; i < n; i++) {
        const struct store_verdict *verdict = told[i].verdict;

        store_put_int8(&column[0], (int64_t)verdict->key.ikey);
        store_put_int2(&column[1], verdict->key.kind);
        store_put_bytes(&column[2], verdict->key.value, verdict->key.value_len);
        store_put_float8(&column[3], verdict->score);
        store_put_int2(&column[4], verdict->tier);
        store_put_text(&column[5], verdict->families);
        store_put_text(&column[6], verdict->reasons);
        store_put_int4(&column[7], (int32_t)(verdict->n_reasons & INT32_MAX));
        store_put_text(&column[8], verdict->cause_source);
        store_put_count(&column[9], verdict->cause_version);
        store_put_time_ms(&column[10], told[i].next_change_unix_ms);
        store_put_time_ms(&column[11], told[i].expires_unix_ms);
        store_put_int2(&column[12], verdict->tlp);
        store_put_time_us(&column[13], verdict->told_unix_us);
        store_put_bool(&column[14], verdict->subtree);
        store_put_bool(&column[15], verdict->whole);
    }
    return rows_run(rows, verdict_sql_told, 16);
}

int store_told_write(struct store_rows *rows, const struct store_told *told, size_t n)
{
    int r = 0;

    while (!r && n) {
        size_t run = store_told_run(told, n);

        r = told_write(rows, told, run);
        told += run;
        n -= run;
    }
    return r;
}
