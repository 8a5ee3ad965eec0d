#include "operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"
#include "io/store.h"

enum { OPERATOR_BYTES = 8192, OPERATOR_ENDS_MAX = 64, OPERATOR_WIDEST4 = 8, OPERATOR_WIDEST6 = 19 };

#define OPERATOR_CONFIGURED "tip.yaml"

/* ---- entries ---- */

static void operator_key(char *key, size_t room, enum tip_kind kind, const char *value)
{
    (void)snprintf(key, room, "%d %.255s", (int)kind, value); /* of an entry it fits: a domain or a prefix */
}

static struct operator_entry *operator_entry_new(const struct bl_word *word)
{
    struct operator_entry *entry = tip_new(struct operator_entry);

    entry->word = *word;
    entry->word.value = entry->value = tip_strdup(word->value);
    entry->word.reason = entry->reason = tip_strdup(word->reason);
    entry->word.actor = entry->actor = tip_strdup(word->actor);
    operator_key(entry->key, sizeof(entry->key), (enum tip_kind)word->kind, entry->value);
    return entry;
}

static void operator_entry_free(struct operator_entry *entry)
{
    free(entry->value);
    free(entry->reason);
    free(entry->actor);
    free(entry);
}

struct tip_allow_entry operator_told(const struct operator_entry *entry)
{
    const struct bl_word *word = &entry->word;

    return (struct tip_allow_entry){.kind = (enum tip_kind)word->kind,
                                    .value = word->value,
                                    .value_len = (uint16_t)strlen(word->value),
                                    .rule = word->rule == BL_RULE_DENY ? TIP_ALLOW_DENY : TIP_ALLOW_ALLOW,
                                    .scope = word->is_subtree ? TIP_ALLOW_SUBTREE : TIP_ALLOW_EXACT,
                                    .reason = word->reason,
                                    .actor = word->actor,
                                    .since_unix_ms = word->since_unix_ms,
                                    .until_unix_ms = word->until_unix_ms,
                                    .configured = word->is_configured};
}

static void operator_watch(struct operator_list *list, int64_t until_unix_ms)
{
    if (until_unix_ms && (!list->next_until_ms || until_unix_ms < list->next_until_ms))
        list->next_until_ms = until_unix_ms;
}

/* ---- stored ---- */

static int operator_entry_put(struct tip_outbox_txn *txn, const struct operator_entry *entry)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    uint8_t key[8];
    int r;

    tip_buf_init(&bytes, OPERATOR_BYTES);
    store_number_key(entry->word.born, key);
    r = codec_word_write(&entry->word, &bytes);
    return r ? r : store_put(txn, STORE_WORD, key, sizeof(key), bytes.data, bytes.len);
}

/* Where the list stands, under a number that no entry has. */
static int operator_head_put(struct app *app, struct tip_outbox_txn *txn)
{
    struct bl_word head = {
        .born = app->operator.last, .died = app->operator.in_force, .value = "", .reason = "", .actor = ""};
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    uint8_t key[8];
    int r;

    tip_buf_init(&bytes, OPERATOR_BYTES);
    store_number_key(0, key);
    r = codec_word_write(&head, &bytes);
    return r ? r : store_put(txn, STORE_WORD, key, sizeof(key), bytes.data, bytes.len);
}

static void operator_keep(struct operator_list *list, const struct bl_word *word)
{
    struct operator_entry *entry = operator_entry_new(word);

    if (word->died) {
        entry->next = list->dead;
        list->dead = entry;
        return;
    }
    tip_hash_add_text(list->standing, key, entry);
    operator_watch(list, word->until_unix_ms);
}

static int operator_visit(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    struct app *app = ctx;
    struct codec_word_texts texts;
    struct bl_word word;

    if (codec_word_read(&word, &texts, bytes, n)) {
        tip_error("allow.unreadable", "number=%llu", (unsigned long long)store_number_of(key, key_len));
        return 0;
    }
    if (store_number_of(key, key_len)) {
        operator_keep(&app->operator, & word);
        return 0;
    }
    app->operator.last = word.born;
    app->operator.in_force = word.died;
    app->operator.is_known = true;
    return 0;
}

int operator_load(struct app *app, struct tip_outbox_txn *txn)
{
    return store_each(txn, STORE_WORD, operator_visit, app);
}

void operator_free(struct app *app)
{
    struct operator_entry *entry, *next;

    tip_hash_each (app->operator.standing, entry, next) {
        tip_hash_remove(app->operator.standing, entry);
        operator_entry_free(entry);
    }
    while ((entry = app->operator.dead)) {
        app->operator.dead = entry->next;
        operator_entry_free(entry);
    }
    bl_allow_destroy(&app->operator.allow);
}

/* ---- lists for those that score ---- */

static void operator_put_in(struct bl_allow *allow, const struct operator_entry *entry)
{
    const struct bl_word *word = &entry->word;
    const struct bl_allow_entry put = {.id = word->born,
                                       .rule = (enum bl_rule)word->rule,
                                       .is_subtree = word->is_subtree,
                                       .is_configured = word->is_configured};

    if (bl_allow_add(allow, &put, (enum tip_kind)word->kind, word->value, strlen(word->value)))
        tip_error("allow.unusable", "value=%s", word->value); /* cannot be: it was checked */
}

/* Those that `wants` says, alive or dead. */
static struct bl_allow *operator_select(const struct operator_list *list,
                                        bool (*wants)(const struct bl_word *word, uint64_t a, uint64_t b), uint64_t a,
                                        uint64_t b)
{
    struct bl_allow *allow = bl_allow_new();
    struct operator_entry *entry, *next;

    tip_hash_each (list->standing, entry, next) {
        if (wants(&entry->word, a, b))
            operator_put_in(allow, entry);
    }
    for (entry = list->dead; entry; entry = entry->next) {
        if (wants(&entry->word, a, b))
            operator_put_in(allow, entry);
    }
    bl_allow_build(allow);
    return allow;
}

static bool word_lives_at(const struct bl_word *word, uint64_t change, uint64_t unused)
{
    (void)unused;
    return word->born <= change && (!word->died || word->died > change);
}

struct bl_allow *operator_at(const struct app *app, uint64_t change)
{
    return operator_select(&app->operator, word_lives_at, change, 0);
}

static bool word_moves_between(const struct bl_word *word, uint64_t from, uint64_t to)
{
    return word_lives_at(word, from, 0) != word_lives_at(word, to, 0);
}

/* Looks at more than need be (all inside, each one's own indicator): what does not move is not told. */
static void operator_put_widest(struct bl_allow *allow, const struct bl_word *word)
{
    const struct bl_allow_entry put = {.id = word->born, .rule = BL_RULE_DENY, .is_subtree = true};

    if (bl_allow_add(allow, &put, (enum tip_kind)word->kind, word->value, strlen(word->value)))
        tip_error("allow.unusable", "value=%s", word->value); /* cannot be: it was checked */
}

struct bl_allow *operator_between(const struct app *app, uint64_t from, uint64_t to)
{
    struct bl_allow *allow = bl_allow_new();
    struct operator_entry *entry, *next;

    tip_hash_each (app->operator.standing, entry, next) {
        if (word_moves_between(&entry->word, from, to))
            operator_put_widest(allow, &entry->word);
    }
    for (entry = app->operator.dead; entry; entry = entry->next) {
        if (word_moves_between(&entry->word, from, to))
            operator_put_widest(allow, &entry->word);
    }
    bl_allow_build(allow);
    return allow;
}

static bool word_is_seen(const struct bl_word *word, uint64_t change, uint64_t with_denials)
{
    return word_lives_at(word, change, 0) && (with_denials || word->rule == BL_RULE_ALLOW);
}

struct bl_allow *operator_seen(const struct app *app, enum tip_tlp audience)
{
    return operator_select(&app->operator, word_is_seen, app->operator.last, audience >= TIP_TLP_AMBER);
}

struct bl_allow *operator_in_force(struct app *app)
{
    if (!app->operator.allow)
        app->operator.allow = operator_at(app, app->operator.in_force);
    return bl_allow_copy(app->operator.allow);
}

/* ---- changes ---- */

struct operator_entry *operator_find(const struct app *app, const struct tip_indicator *indicator)
{
    char key[TIP_DOMAIN_MAX + 16];
    struct operator_entry *entry;

    operator_key(key, sizeof(key), indicator->kind, indicator->value);
    tip_hash_find_text(app->operator.standing, key, entry);
    return entry;
}

struct operator_entry *operator_decides(struct app *app, const struct tip_indicator *indicator)
{
    struct bl_allow *allow = operator_at(app, app->operator.last);
    struct bl_allow_hit hit = bl_allow_find(allow, indicator->kind, indicator->value, indicator->len);
    struct operator_entry *entry, *next;

    bl_allow_destroy(&allow);
    tip_hash_each (app->operator.standing, entry, next) {
        if (hit.rule != BL_RULE_NONE && entry->word.born == hit.id)
            return entry;
    }
    return NULL;
}

static bool operator_is_ours(const struct app *app, const struct tip_prefix *prefix)
{
    for (size_t i = 0; i < app->n_own; i++) {
        if (tip_prefix_covers(&app->own[i], prefix))
            return true;
    }
    return false;
}

static const char *operator_refuses_net(const struct app *app, const struct operator_order *order)
{
    struct tip_prefix prefix;
    unsigned widest;

    if (tip_prefix_parse(&prefix, NULL, order->indicator.value, order->indicator.len))
        return "it is no address";
    if (operator_is_ours(app, &prefix))
        return order->rule == BL_RULE_DENY ? "it is one of your own networks (own_networks in tip.yaml)"
                                           : "own_networks in tip.yaml allows it already";
    widest = prefix.addr.family == 4 ? OPERATOR_WIDEST4 : OPERATOR_WIDEST6;
    return prefix.len < widest ? "it is wider than /8 (IPv6: /19)" : NULL;
}

const char *operator_refuses(const struct app *app, const struct operator_order *order)
{
    if (order->until_unix_ms && order->until_unix_ms <= tip_loop_wall_ms())
        return "until is over already";
    switch (order->indicator.kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        return operator_refuses_net(app, order);
    case TIP_KIND_DOMAIN:
        return order->is_subtree && order->indicator.flags & TIP_INDICATOR_PUBLIC_SUFFIX
                   ? "it is a public suffix: all below it belongs to others"
                   : NULL;
    case TIP_KIND_NONE:
    case TIP_KIND_URL:
    case TIP_KIND_ENDPOINT:
    case TIP_KIND_ASN:
    case TIP_KIND_HASH:
    case TIP_KIND_EMAIL_DOMAIN:
    case TIP_KIND_COUNT:
        break;
    }
    return "it is neither an address nor a network nor a domain";
}

/* Verdicts follow. One that waits already takes the change along. */
static int operator_queue(struct app *app, struct tip_outbox_txn *txn)
{
    struct bl_job job = {.kind = WORK_ALLOW};

    if (app->operator.last == app->operator.in_force || publish_is_queued(app, WORK_ALLOW, ""))
        return 0;
    return publish_add(app, txn, &job);
}

static int operator_tell(struct app *app, struct tip_outbox_txn *txn, const struct tip_allow_changes *changes)
{
    struct tip_event event = {.kind = TIP_EVENT_CONTROL_ALLOW, .kind_name = "", .allow_changes = *changes};

    event.allow_changes.stream = *tip_outbox_stream(app->outbox);
    event.allow_changes.change = app->operator.last;
    return app_publish(app, txn, TIP_TOPIC_CONTROL_ALLOW, "blacklist", TIP_TLP_AMBER, &event);
}

static int operator_bury(struct app *app, struct tip_outbox_txn *txn, struct operator_entry *entry)
{
    tip_hash_remove(app->operator.standing, entry);
    entry->word.died = app->operator.last;
    entry->next = app->operator.dead;
    app->operator.dead = entry;
    return operator_entry_put(txn, entry);
}

static int operator_word_add(struct app *app, struct tip_outbox_txn *txn, struct bl_word *word)
{
    struct operator_entry *entry = operator_entry_new(word);
    struct operator_entry *old;
    struct tip_allow_entry told;
    int r = 0;

    tip_hash_find_text(app->operator.standing, entry->key, old);
    entry->word.born = ++app->operator.last;
    if (old)
        r = operator_bury(app, txn, old);
    tip_hash_add_text(app->operator.standing, key, entry);
    operator_watch(&app->operator, entry->word.until_unix_ms);
    told = operator_told(entry);
    r = r ? r : operator_entry_put(txn, entry);
    r = r ? r : operator_head_put(app, txn);
    return r ? r : operator_tell(app, txn, &(struct tip_allow_changes){.n_added = 1, .added = &told});
}

int operator_add(struct app *app, struct tip_outbox_txn *txn, const struct operator_order *order)
{
    struct bl_word word = {.rule = order->rule,
                           .is_subtree = order->is_subtree,
                           .kind = order->indicator.kind,
                           .value = order->indicator.value,
                           .reason = order->reason,
                           .actor = order->actor,
                           .since_unix_ms = tip_loop_wall_ms(),
                           .until_unix_ms = order->until_unix_ms};
    int r = operator_word_add(app, txn, &word);

    return r ? r : operator_queue(app, txn);
}

int operator_remove(struct app *app, struct tip_outbox_txn *txn, struct operator_entry *entry)
{
    struct tip_allow_entry told = operator_told(entry);
    int r;

    ++app->operator.last;
    r = operator_bury(app, txn, entry);
    r = r ? r : operator_head_put(app, txn);
    r = r ? r : operator_tell(app, txn, &(struct tip_allow_changes){.n_removed = 1, .removed = &told});
    return r ? r : operator_queue(app, txn);
}

static int operator_forget(struct tip_outbox_txn *txn, struct operator_list *list)
{
    struct operator_entry **at = &list->dead;
    uint8_t key[8];
    int r = 0;

    while (!r && *at) {
        struct operator_entry *entry = *at;

        if (entry->word.died > list->in_force) {
            at = &entry->next;
            continue;
        }
        store_number_key(entry->word.born, key);
        r = store_delete(txn, STORE_WORD, key, sizeof(key));
        *at = entry->next;
        operator_entry_free(entry);
    }
    return r;
}

int operator_in_force_set(struct app *app, struct tip_outbox_txn *txn, uint64_t change)
{
    int r;

    app->operator.in_force = change;
    bl_allow_destroy(&app->operator.allow);
    r = operator_head_put(app, txn);
    r = r ? r : operator_forget(txn, &app->operator);
    return r ? r : operator_queue(app, txn);
}

/* ---- the networks of tip.yaml ---- */

static bool operator_names(const struct app *app, const struct operator_entry *entry)
{
    struct tip_prefix prefix;

    if (tip_prefix_parse(&prefix, NULL, entry->value, strlen(entry->value)))
        return false;
    for (size_t i = 0; i < app->n_own; i++) {
        if (!tip_prefix_compare(&app->own[i], &prefix))
            return true;
    }
    return false;
}

static int operator_own_add(struct app *app, struct tip_outbox_txn *txn, const struct tip_prefix *own)
{
    char text[TIP_PREFIX_TEXT];
    struct tip_indicator indicator;
    struct operator_entry *entry;
    struct bl_word word = {.rule = BL_RULE_ALLOW,
                           .is_subtree = true,
                           .is_configured = true,
                           .value = indicator.value,
                           .reason = "own_networks",
                           .actor = OPERATOR_CONFIGURED,
                           .since_unix_ms = tip_loop_wall_ms()};

    if (tip_indicator_parse(&indicator, TIP_KIND_NET, text, tip_prefix_format(own, text)))
        return 0; /* cannot be */
    entry = operator_find(app, &indicator);
    if (entry && entry->word.is_configured)
        return 0;
    word.kind = indicator.kind;
    return operator_word_add(app, txn, &word);
}

/* A volume that is new says so, and what the last one had said is void. */
static int operator_begin(struct app *app, struct tip_outbox_txn *txn)
{
    int r;

    if (app->operator.is_known)
        return 0;
    app->operator.is_known = true;
    r = operator_head_put(app, txn);
    return r ? r : operator_tell(app, txn, &(struct tip_allow_changes){.full = true});
}

void operator_configure(struct app *app, const struct bl_options *options)
{
    struct tip_outbox_txn *txn = app_begin(app);
    struct operator_entry *entry, *next;
    int r;

    app->n_own = options->own_networks.n;
    for (size_t i = 0; i < app->n_own; i++)
        app->own[i] = options->own_networks.items[i];
    r = operator_begin(app, txn);
    tip_hash_each (app->operator.standing, entry, next) {
        if (!r && entry->word.is_configured && !operator_names(app, entry))
            r = operator_remove(app, txn, entry);
    }
    for (size_t i = 0; !r && i < app->n_own; i++)
        r = operator_own_add(app, txn, &app->own[i]);
    r = r ? r : operator_queue(app, txn);
    app_commit(app, &txn, r);
}

/* ---- time ---- */

static int operator_end(struct app *app, struct tip_outbox_txn *txn, struct operator_entry *entry)
{
    char target[TIP_INDICATOR_MAX + 1];
    const struct app_deed deed = {.action = entry->word.rule == BL_RULE_DENY ? "deny_remove" : "allow_remove",
                                  .target = target,
                                  .reason = "its time is over",
                                  .result = "removed by itself"};

    (void)snprintf(target, sizeof(target), "%s", entry->value);
    tip_info("allow.over", "value=%s", entry->value);
    return app_deed_tell(app, txn, &deed);
}

void operator_tick(struct app *app)
{
    int64_t now_unix_ms = tip_loop_wall_ms();
    struct operator_list *list = &app->operator;
    struct operator_entry *entry, *next;
    struct tip_outbox_txn *txn;
    size_t n = 0;
    int r = 0;

    if (!list->next_until_ms || list->next_until_ms > now_unix_ms || !app_has_room(app, APP_ROOM_SMALL))
        return;
    list->next_until_ms = 0;
    txn = app_begin(app);
    tip_hash_each (list->standing, entry, next) {
        bool is_over = entry->word.until_unix_ms && entry->word.until_unix_ms <= now_unix_ms;

        if (!r && is_over && n < OPERATOR_ENDS_MAX) {
            r = operator_end(app, txn, entry);
            r = r ? r : operator_remove(app, txn, entry);
            n++;
        } else {
            operator_watch(list, entry->word.until_unix_ms);
        }
    }
    app_commit(app, &txn, r);
}
