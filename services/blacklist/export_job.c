#include "export_job.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/crc32c.h>
#include <tip/domain.h>
#include <tip/log.h>
#include <tip/url.h>

#include "core/export_cut.h"
#include "core/export_writers.h"

enum { EXPORT_FORMAT_VERSION = 1 }; /* what a writer writes has changed: everything is written again */

/* An export being worked out. */
struct export_run {
    struct export_job *job;
    struct view *view;
    struct bl_cut *cut;
    struct bl_exempt_map *exempt; /* of the order */
    struct bl_export_list list;
    struct bl_export_source *sources; /* the lists, and the operators behind them */
    const struct work_voter *lists;   /* of the view, in order of names */
    bool has_others;                  /* some entry rests on lists that it does not name: all are thanked */
};

static const char *const end_names[EXPORT_END_COUNT] = {[EXPORT_NONE] = "pending",
                                                        [EXPORT_UNCHANGED] = "unchanged",
                                                        [EXPORT_WRITTEN] = "written",
                                                        [EXPORT_HELD] = "held",
                                                        [EXPORT_FAILED] = "failed"};

const char *export_end_name(enum export_end end)
{
    return end_names[end];
}

void export_job_deinit(struct export_job *job)
{
    for (size_t i = 0; i < job->n_sources; i++) {
        free(job->sources[i].attribution);
        free(job->sources[i].licence);
    }
    free(job->sources);
    free(job->order.lists);
    bl_allow_destroy(&job->order.allow);
    bl_witnesses_destroy(&job->order.witnesses);
    bl_exempt_map_destroy(&job->order.exempt);
    job->sources = NULL;
    job->n_sources = 0;
    job->order = (struct view_order){0};
}

/* ---- what may be told at all ---- */

/* RFC 6761 and successors: names that no resolver should ask the world for. */
static bool export_is_special_name(const char *name)
{
    static const char *const special[] = {"test", "invalid",  "localhost", "local",       "example",     "onion",
                                          "alt",  "internal", "arpa",      "example.com", "example.net", "example.org"};

    for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++) {
        if (tip_domain_is_under(name, special[i]))
            return true;
    }
    return false;
}

static bool export_is_special_host(const struct tip_addr *addr, const char *name)
{
    return addr ? tip_addr_special(addr) != TIP_SPECIAL_NONE : export_is_special_name(name);
}

/* IANA's registry of special-purpose AS numbers: AS_TRANS, documentation (RFC 5398), private use (RFC 6996), the last.
 */
static bool export_is_special_asn(unsigned long asn)
{
    return asn == 0 || asn == 23456 || (asn >= 64496 && asn <= 65551) || asn >= 4200000000;
}

static bool export_is_special(const struct tip_verdict *verdict)
{
    struct tip_endpoint endpoint;
    struct tip_prefix prefix;
    struct tip_url url;

    switch (verdict->kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        return tip_prefix_parse(&prefix, NULL, verdict->value, verdict->value_len) ||
               tip_prefix_special(&prefix) != TIP_SPECIAL_NONE;
    case TIP_KIND_DOMAIN:
        return export_is_special_name(verdict->value);
    case TIP_KIND_ENDPOINT:
        return tip_endpoint_parse(&endpoint, verdict->value, verdict->value_len) ||
               export_is_special_host(&endpoint.addr, NULL);
    case TIP_KIND_URL:
        return tip_url_parse(&url, verdict->value, verdict->value_len, 0) ||
               export_is_special_host(url.host_is_addr ? &url.addr : NULL, url.domain.name);
    case TIP_KIND_ASN:
        return export_is_special_asn(strtoul(verdict->value + strlen("AS"), NULL, 10));
    case TIP_KIND_HASH:
        return false;
    case TIP_KIND_EMAIL_DOMAIN:
        return export_is_special_name(verdict->value + 1);
    case TIP_KIND_NONE:
    case TIP_KIND_COUNT:
        break;
    }
    return true;
}

static bool export_has_family(const struct export_spec *spec, const struct tip_verdict *verdict)
{
    for (size_t i = 0; i < verdict->n_families; i++) {
        for (size_t k = 0; export_family_names[k]; k++) {
            if (spec->families >> k & 1 && verdict->families[i].share > 0 &&
                !strcmp(verdict->families[i].family, export_family_names[k]))
                return true;
        }
    }
    return spec->families == UINT32_MAX;
}

/* ---- collecting ---- */

static int export_compare_names(const void *a, const void *b)
{
    return strcmp(((const struct work_voter *)a)->name, ((const struct work_voter *)b)->name);
}

static uint16_t export_list_number(const struct export_run *run, const char *name)
{
    struct work_voter key;
    const struct work_voter *found;

    if (!strcmp(name, CODEC_OPERATOR))
        return (uint16_t)run->job->n_sources;
    (void)snprintf(key.name, sizeof(key.name), "%s", name);
    found = bsearch(&key, run->lists, run->job->n_sources, sizeof(key), export_compare_names);
    return found ? (uint16_t)(found - run->lists) : BL_EXPORT_NO_LIST;
}

static struct bl_export_item export_item(struct export_run *run, const struct tip_verdict *verdict)
{
    struct bl_export_item item = {
        .tier = (uint8_t)verdict->tier,
        .score = (uint8_t)(verdict->score * 100 + 0.5),
        .n_lists = (uint16_t)(verdict->reason_count < UINT16_MAX ? verdict->reason_count : UINT16_MAX),
        .until_unix_s = (uint32_t)(verdict->expires_unix_ms / TIP_SECOND_MS)};

    for (size_t i = 0; i < BL_EXPORT_LISTS; i++) {
        uint16_t number =
            i < verdict->n_reasons ? export_list_number(run, verdict->reasons[i].source) : BL_EXPORT_NO_LIST;

        item.lists[i] = number;
        if (number == BL_EXPORT_NO_LIST)
            continue;
        run->sources[number].has_part = true;
        if (!item.category && number < run->job->n_sources)
            item.category = (uint8_t)run->job->sources[number].category;
    }
    run->has_others |= verdict->reason_count > verdict->n_reasons;
    return item;
}

/* What reference lists take out of it: of what the operators deny, nothing. */
static const struct bl_exempt *export_exempt(const struct export_run *run, const struct tip_verdict *verdict)
{
    bool is_denied = verdict->n_families && !strcmp(verdict->families[verdict->n_families - 1].family, "deny");

    return is_denied ? NULL : bl_exempt_of(run->exempt);
}

static int export_add_name(struct export_run *run, struct bl_export_item *item, const struct tip_verdict *verdict)
{
    bool is_tree = run->job->spec.has_subdomains || verdict->subtree ||
                   bl_cut_is_denied_tree(run->cut, verdict->value, verdict->value_len);

    item->is_subtree = is_tree && !bl_cut_is_below(run->cut, verdict->value) &&
                       !bl_exempt_is_above(export_exempt(run, verdict), verdict->value, verdict->value_len);
    return bl_export_add(&run->list, item, verdict->kind, verdict->value, verdict->value_len);
}

static int export_add(struct export_run *run, const struct tip_verdict *verdict)
{
    struct bl_export_item item = export_item(run, verdict);
    struct tip_prefix prefix;

    if (verdict->kind == TIP_KIND_DOMAIN)
        return export_add_name(run, &item, verdict);
    if (verdict->kind != TIP_KIND_NET)
        return bl_export_add(&run->list, &item, verdict->kind, verdict->value, verdict->value_len);
    if (tip_prefix_parse(&prefix, NULL, verdict->value, verdict->value_len))
        return BL_EXPORT_E_VALUE;
    return bl_cut_add(run->cut, export_exempt(run, verdict), &run->list, &item, &prefix);
}

static bool export_wants(const struct export_run *run, const struct tip_verdict *verdict)
{
    static const unsigned classes[TIP_KIND_COUNT] = {
        [TIP_KIND_IP] = 1u << BL_EXPORT_IP4 | 1u << BL_EXPORT_IP6,
        [TIP_KIND_NET] = 1u << BL_EXPORT_IP4 | 1u << BL_EXPORT_IP6,
        [TIP_KIND_DOMAIN] = 1u << BL_EXPORT_NAME,
        [TIP_KIND_URL] = 1u << BL_EXPORT_URL,
        [TIP_KIND_ENDPOINT] = 1u << BL_EXPORT_ENDPOINT,
        [TIP_KIND_ASN] = 1u << BL_EXPORT_ASN,
        [TIP_KIND_HASH] = 1u << BL_EXPORT_HASH,
        [TIP_KIND_EMAIL_DOMAIN] = 1u << BL_EXPORT_EMAIL_DOMAIN,
    };
    const struct export_spec *spec = &run->job->spec;
    unsigned of_kind = classes[verdict->kind];

    if (verdict->kind == TIP_KIND_IP || verdict->kind == TIP_KIND_NET)
        of_kind = memchr(verdict->value, ':', verdict->value_len) ? 1u << BL_EXPORT_IP6 : 1u << BL_EXPORT_IP4;
    if (!(of_kind & spec->classes) || (unsigned)verdict->tier < spec->tier || !export_has_family(spec, verdict))
        return false;
    if (!spec->has_special && export_is_special(verdict))
        return false;
    if (verdict->kind == TIP_KIND_EMAIL_DOMAIN)
        return !tip_domain_is_public_suffix(verdict->value + 1);
    return verdict->kind != TIP_KIND_DOMAIN || !tip_domain_is_public_suffix(verdict->value);
}

static int export_collect(struct export_run *run)
{
    struct tip_event event;
    int r = 0;

    while (!r) {
        r = view_next(run->view, &event);
        for (size_t i = 0; !r && i < event.verdict_changes.n_verdicts; i++) {
            const struct tip_verdict *verdict = &event.verdict_changes.verdicts[i];

            if (!export_wants(run, verdict))
                continue;
            r = export_add(run, verdict);
            r = r == BL_EXPORT_E_VALUE ? 0 : r == BL_EXPORT_E_FULL ? -ENOBUFS : r;
        }
    }
    if (r != TIP_SNAPSHOT_E_END)
        return r;
    bl_export_sort(&run->list);
    return 0;
}

/* ---- is there anything new? ---- */

uint32_t export_fingerprint(const struct export_spec *spec)
{
    char text[128];
    int n = snprintf(text, sizeof(text), "%d %d %u %u %u %d %d", EXPORT_FORMAT_VERSION, (int)spec->audience, spec->tier,
                     spec->families, spec->classes, spec->has_special, spec->has_subdomains);

    return tip_crc32c(0, text, (size_t)n);
}

/* Renewed twice in a lifetime. */
static int64_t export_renewal(const struct export_job *job)
{
    return job->spec.format == BL_EXPORT_STIX ? job->order.now_unix_ms / (job->spec.lifetime_ms / 2) : 0;
}

static int export_hash(void *ctx, const void *bytes, size_t n)
{
    (void)crypto_hash_sha256_update(ctx, bytes, n); /* cannot fail */
    return 0;
}

/* Everything that decides what is in the files, but times. */
static int export_digest(const struct export_run *run, const struct bl_export *export,
                         uint8_t digest[static BL_EXPORT_DIGEST])
{
    const struct export_spec *spec = &run->job->spec;
    crypto_hash_sha256_state state;
    struct bl_out out;
    int r;

    (void)crypto_hash_sha256_init(&state);
    bl_out_init(&out, export_hash, &state);
    bl_out_format(&out, "%d %d %u %s\n%s\n%s\n%" PRId64 "\n", EXPORT_FORMAT_VERSION, (int)spec->format,
                  export_fingerprint(spec), spec->zone, spec->action, export->producer, export_renewal(run->job));
    bl_export_about(&out, export);
    bl_export_json(&out, export);
    r = bl_out_end(&out);
    (void)crypto_hash_sha256_final(&state, digest);
    return r;
}

static void export_hold(struct export_job *job, const char *why)
{
    job->end = EXPORT_HELD;
    (void)snprintf(job->why, sizeof(job->why), "%s", why);
}

/* Another view, or lists that its audience may no longer see: what goes is meant to go, and at once. */
static bool export_is_another(const struct export_job *job, const struct bl_export_mark *before)
{
    return before->fingerprint != export_fingerprint(&job->spec) || before->withheld != job->withheld;
}

static void export_guard(struct export_job *job, const struct bl_export_mark *before)
{
    char why[sizeof(job->why)];

    if (!before->serial || job->spec.can_shrink || job->is_released || export_is_another(job, before) ||
        !bl_export_loses(job->n_before, job->n_gone))
        return;
    (void)snprintf(why, sizeof(why), "it would lose %zu of %zu entries, and have %zu", job->n_gone, job->n_before,
                   job->n_entries);
    export_hold(job, why);
}

/* ---- writing ---- */

static void export_fill(struct export_run *run, struct bl_export *export)
{
    static const char *const audiences[] = {
        [TIP_TLP_CLEAR] = "clear", [TIP_TLP_GREEN] = "green", [TIP_TLP_AMBER] = "amber"};
    const struct export_job *job = run->job;

    for (size_t i = 0; run->has_others && i < job->n_sources; i++)
        run->sources[i].has_part = true;
    *export = (struct bl_export){.name = job->spec.name,
                                 .title = job->spec.title,
                                 .audience = audiences[job->spec.audience],
                                 .zone = *job->spec.zone ? job->spec.zone : NULL,
                                 .action = job->spec.action,
                                 .producer = job->producer,
                                 .lifetime_s = (uint32_t)(job->spec.lifetime_ms / TIP_SECOND_MS),
                                 .entries_max = (size_t)job->spec.entries_max,
                                 .categories = bl_category_names,
                                 .sources = run->sources,
                                 .n_sources = job->n_sources + 1,
                                 .view = bl_export_view_of(&run->list)};
}

static void export_publish(struct export_run *run, struct bl_export *export, const struct bl_export_mark *before)
{
    struct export_job *job = run->job;
    uint32_t now = (uint32_t)(job->order.now_unix_ms / TIP_SECOND_MS);
    int r;

    job->mark.fingerprint = export_fingerprint(&job->spec);
    job->mark.withheld = job->withheld;
    export->is_withdrawn = export_is_another(job, before);
    job->mark.generated_unix_s = export->generated_unix_s = now;
    job->mark.since_unix_s = export->since_unix_s = before->since_unix_s ? before->since_unix_s : now;
    job->mark.serial = export->serial = before->serial >= now ? before->serial + 1 : now;
    job->mark.n_arena = run->list.arena.len;
    r = bl_export_publish(job->dir, job->spec.format, export, &job->mark);
    job->end = r ? EXPORT_FAILED : EXPORT_WRITTEN;
    if (r) {
        job->mark = *before; /* what was there is still good */
        (void)snprintf(job->why, sizeof(job->why), "it cannot be written: %s", strerror(-r));
    }
}

/* An operator or a reference list has taken it out, or something inside it: holding that back would go on blocking what
 * is allowed. */
static bool export_is_meant(const void *ctx, const struct bl_export_view *before, size_t i)
{
    const struct bl_export_item *item = &before->items[i];
    const struct export_run *run = ctx;
    const struct bl_exempt *exempt = bl_exempt_of(run->exempt);
    char text[TIP_PREFIX_TEXT];
    const char *value = bl_export_value(before, item, text);
    struct tip_prefix prefix;

    if (bl_allow_find(run->job->order.allow, bl_export_kind(item), value, strlen(value)).rule == BL_RULE_ALLOW ||
        bl_exempt_find(exempt, bl_export_kind(item), value, strlen(value)).effect)
        return true;
    if (item->class > BL_EXPORT_IP6)
        return false;
    prefix = bl_export_prefix(item);
    return bl_cut_is_within(run->cut, &prefix) || bl_exempt_hard_in(exempt, &prefix) != BL_EXEMPT_NONE;
}

static void export_compare(struct export_run *run, const struct bl_export_last *last)
{
    struct export_job *job = run->job;
    uint8_t digest[BL_EXPORT_DIGEST];
    struct bl_export export;
    int r;

    job->n_before = last->view.n;
    job->n_gone = bl_export_follow(&run->list, &last->view, (uint32_t)(job->order.now_unix_ms / TIP_SECOND_MS),
                                   export_is_meant, run);
    export_fill(run, &export);
    job->n_entries = export.view.n;
    r = export_digest(run, &export, digest);
    if (r) {
        job->end = EXPORT_FAILED;
        return;
    }
    if (!memcmp(digest, last->mark.digest, sizeof(digest)) && bl_export_is_there(job->dir, &last->mark)) {
        job->end = EXPORT_UNCHANGED;
        return;
    }
    export_guard(job, &last->mark);
    if (job->end == EXPORT_HELD)
        return;
    memcpy(job->mark.digest, digest, sizeof(digest));
    export_publish(run, &export, &last->mark);
}

/* ---- the whole ---- */

static void export_open(struct export_run *run)
{
    struct export_job *job = run->job;

    run->sources = tip_new_array(job->n_sources + 1, struct bl_export_source);
    run->lists = job->order.lists;
    for (size_t i = 0; i < job->n_sources; i++)
        run->sources[i] = (struct bl_export_source){
            .name = run->lists[i].name, .attribution = job->sources[i].attribution, .licence = job->sources[i].licence};
    run->sources[job->n_sources] = (struct bl_export_source){.name = CODEC_OPERATOR};
    bl_export_list_init(&run->list, (size_t)job->spec.entries_max);
    run->cut = bl_cut_new(job->order.allow);
    run->exempt = job->order.exempt;
    run->view = view_new(&job->order);
}

static void export_close(struct export_run *run)
{
    struct export_job *job = run->job;

    view_destroy(&run->view); /* and what the order names */
    job->order.lists = NULL;
    job->order.allow = NULL;
    job->order.witnesses = NULL;
    job->order.exempt = NULL;
    bl_cut_destroy(&run->cut);
    bl_export_list_deinit(&run->list);
    free(run->sources);
    (void)malloc_trim(0); /* a long view is large, and the next one far away */
}

void export_job_run(void *ctx)
{
    struct export_job *job = ctx;
    struct export_run run = {.job = job};
    tip_auto(bl_export_last_close) struct bl_export_last last = {0};
    int r = bl_export_last_open(&last, job->dir);

    job->mark = last.mark;
    export_open(&run);
    r = r ? r : export_collect(&run);
    if (!r)
        export_compare(&run, &last);
    else if (r == -ENOBUFS)
        export_hold(job, "it has more entries than max_entries");
    if (r && r != -ENOBUFS) {
        job->end = EXPORT_FAILED;
        (void)snprintf(job->why, sizeof(job->why), "it cannot be worked out: %s", strerror(-r));
    }
    export_close(&run);
}
