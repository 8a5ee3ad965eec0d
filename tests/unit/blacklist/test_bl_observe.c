/* What older builds stored and no build reads any more is deleted at the start; all else stays. */
#include "check.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "app.h"
#include "io/store.h"
#include "observe_key.h"

enum { DEPTH = 1, AT_S = 86400 * 3, STORED_BYTES = 24, FORMAT = 4 };

struct site {
    char dir[40];
    struct app app;
};

static int site_open(void **state)
{
    struct site *site = tip_new(struct site);
    struct tip_outbox_config config = {.dir = site->dir, .map_bytes = 1 << 22, .wall_unix_us = 1};

    *state = site;
    strcpy(site->dir, "/tmp/test_bl_observe.XXXXXX");
    assert_non_null(mkdtemp(site->dir));
    return tip_outbox_open(&site->app.outbox, &config);
}

static int site_close(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    struct site *site = *state;
    char path[64];

    observe_free(&site->app);
    tip_outbox_destroy(&site->app.outbox);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", site->dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(site->dir);
    free(site);
    return 0;
}

/* As it lies there: when it died, its second, the length of its key, its depth, nothing; then the key. */
static void record_put(struct tip_outbox_txn *txn, uint64_t number, enum bl_evidence_kind what, uint8_t format)
{
    const struct bl_observation seen = {.kind = TIP_KIND_IP,
                                        .value = "192.0.2.7",
                                        .len = 9,
                                        .what = what,
                                        .at_s = AT_S,
                                        .distinct = number,
                                        .tlp = TIP_TLP_AMBER};
    const uint32_t len = (uint32_t)observe_key_len(&seen), words[] = {0, 0, AT_S, len, DEPTH, 0};
    unsigned char bytes[STORED_BYTES + OBSERVE_KEY_MAX];
    uint8_t key[8];

    memcpy(bytes, words, STORED_BYTES);
    observe_key_write(&seen, bytes + STORED_BYTES);
    bytes[STORED_BYTES + offsetof(struct observe_head, format)] = format;
    store_number_key(number, key);
    assert_int_equal(store_put(txn, STORE_OBSERVED, key, sizeof(key), bytes, STORED_BYTES + len), 0);
}

static int number_add(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    char *text = ctx;

    (void)bytes;
    (void)n;
    (void)snprintf(text + strlen(text), 64 - strlen(text), "%d ", (int)store_number_of(key, key_len));
    return 0;
}

/* The numbers that are stored, after a start. */
static void check_start(struct site *site, const char *stored, size_t n_traps, size_t n_flux)
{
    struct tip_outbox_txn *txn;
    char text[64] = "";

    observe_free(&site->app);
    site->app.observe = (struct observe_list){.max = 0};
    assert_int_equal(tip_outbox_begin(site->app.outbox, &txn), 0);
    assert_int_equal(observe_load(&site->app, txn), 0);
    assert_int_equal(tip_outbox_commit(&txn), 0);
    assert_int_equal(tip_outbox_begin(site->app.outbox, &txn), 0);
    assert_int_equal(store_each(txn, STORE_OBSERVED, number_add, text), 0);
    tip_outbox_abort(&txn);
    assert_string_equal(text, stored);
    assert_int_equal(observe_count(&site->app, BL_EVIDENCE_TRAP), n_traps);
    assert_int_equal(observe_count(&site->app, BL_EVIDENCE_FLUX), n_flux);
}

static void test_observe_deletes_what_no_build_reads(void **state)
{
    static const struct {
        uint64_t number;
        enum bl_evidence_kind what;
        uint8_t format;
    } records[] = {
        {1, BL_EVIDENCE_FLUX, FORMAT - 1}, /* its networks were counted as what names are now */
        {2, BL_EVIDENCE_FLUX, FORMAT},     {3, BL_EVIDENCE_TRAP, FORMAT - 1}, {4, BL_EVIDENCE_FLUX, FORMAT - 1},
        {5, BL_EVIDENCE_TRAP, FORMAT - 2}, {6, BL_EVIDENCE_FLUX, FORMAT + 1}, /* of a build to come, which may come back
                                                                               */
        {7, BL_EVIDENCE_TRAP, FORMAT},
    };
    struct site *site = *state;
    struct tip_outbox_txn *txn;
    uint8_t key[8];

    assert_int_equal(tip_outbox_begin(site->app.outbox, &txn), 0);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
        record_put(txn, records[i].number, records[i].what, records[i].format);
    store_number_key(8, key);
    assert_int_equal(store_put(txn, STORE_OBSERVED, key, sizeof(key), "cut", 3), 0); /* damage is no age */
    assert_int_equal(tip_outbox_commit(&txn), 0);
    check_start(site, "2 3 6 7 8 ", 2, 1);
    check_start(site, "2 3 6 7 8 ", 2, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_observe_deletes_what_no_build_reads, site_open, site_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
