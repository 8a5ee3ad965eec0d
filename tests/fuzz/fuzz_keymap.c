/* keys.yaml from anybody: refused with places, or a table that holds what it says. */
#include <assert.h>
#include <string.h>

#include <fuzz.h>

#include <tip/opt.h>

#include "core/zap.h"
#include "keymap.h"

static void check_key(const struct access_table *table, const struct access_key *key)
{
    assert(access_table_find(table, key->user) == key);
    assert(key->name[0] && key->roles && !key->revoked);
    assert(access_owns_name(key, key->name));
    assert(access_may_read(key, ACCESS_CLEAR));
    assert(!access_may_publish(key, "v1.bus.head.", 12));
    assert(!access_may_serve(key, "bus.query"));
    assert(access_may_enter(key, ACCESS_FEED_AMBER) == access_may_read(key, ACCESS_AMBER));
}

/* What was read is found by ZAP, and is the same when it is read again. */
static void check_table(struct access_table *table, const uint8_t *data, size_t size)
{
    tip_auto(tip_conf_destroy) struct tip_conf *conf = tip_conf_new();
    tip_auto(zap_passes_deinit) struct zap_passes passes = {0};
    struct access_table again = {0};

    zap_passes_init(&passes, table);
    for (size_t i = 0; i < table->n; i++) {
        const struct zap_frame frames[ZAP_FRAMES] = {{"1.0", 3},
                                                     {"1", 1},
                                                     {"fetch", 5},
                                                     {"", 0},
                                                     {"", 0},
                                                     {"CURVE", 5},
                                                     {table->items[i]->public_key, ACCESS_KEY_BYTES}};
        struct zap_answer answer;

        check_key(table, table->items[i]);
        zap_judge(&passes, frames, ZAP_FRAMES, &answer);
        assert(answer.verdict == ZAP_WELCOME && strcmp(answer.pass->user, table->items[i]->user) == 0);
    }
    assert(keymap_load_text(&again, conf, "keys.yaml", (const char *)data, size) == 0);
    assert(access_table_replace(table, &again) == 0 && table->n_revoked == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(tip_conf_destroy) struct tip_conf *conf = tip_conf_new();
    tip_auto(access_table_deinit) struct access_table table = {0};
    int r;

    r = keymap_load_text(&table, conf, "keys.yaml", (const char *)data, size);
    if (r)
        assert(tip_conf_n_errors(conf) > 0 && table.n == 0);
    else
        check_table(&table, data, size);
    return 0;
}
